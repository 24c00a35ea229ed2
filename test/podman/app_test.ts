import { expect, test } from "bun:test";
import * as app from "../../lib/podman/app.ts";
import { appChoices } from "../../lib/podman/draft.ts";
import { convertNetwork } from "../../lib/podman/network.ts";
import type { Convert } from "../../lib/podman/run_option.ts";
import { converted, noFiles, withFiles } from "./_tools.ts";

const good: readonly (readonly [convert: Convert, value: string, choices: object])[] = [
  [app.convertLabel, "a.b=c=d", { labels: { "a.b": "c=d" } }],
  [app.convertLabel, "a", { labels: { a: "" } }],
  [app.convertEntrypoint, "/bin/sh", { entrypoint: ["/bin/sh"] }],
  [app.convertEntrypoint, "/bin/sh -c", { entrypoint: ["/bin/sh -c"] }],
  [app.convertEntrypoint, '["/bin/sh", "-c"]', { entrypoint: ["/bin/sh", "-c"] }],
  [app.convertEntrypoint, "", { entrypoint: [] }],
  [app.convertUser, "1000:1000", { user: "1000:1000" }],
  [app.convertWorkdir, "/srv", { workingDirectory: "/srv" }],
  [app.convertRestart, "on-failure:3", { restart: { when: "on-failure", retries: 3 } }],
  [app.convertStopSignal, "quit", { stopSignal: "SIGQUIT" }],
  [app.convertStopTimeout, "30", { stopTimeoutSec: 30 }],
  [
    app.convertCapability("add"),
    "net_admin,CAP_SYS_TIME",
    { capabilities: { add: ["NET_ADMIN", "SYS_TIME"], drop: [] } },
  ],
  [app.convertCapability("drop"), "all", { capabilities: { add: [], drop: ["ALL"] } }],
  [
    app.convertDevice,
    "/dev/fuse:/dev/x:rw",
    { devices: [{ source: "/dev/fuse", target: "/dev/x", access: "rw", ifAbsent: "fail" }] },
  ],
  [app.convertRequires, "db,my_cache", { depends: ["db", "my-cache"] }],
  [app.convertSecret, "pw", { secrets: [{ name: "pw" }] }],
  [app.convertSecret, "source=pw,type=mount,target=pw", { secrets: [{ name: "pw" }] }],
  [app.convertSecret, "pw,type=env", { secrets: [{ name: "pw", variable: "pw" }] }],
  [app.convertSecret, "pw,type=env,target=DB_PW", { secrets: [{ name: "pw", variable: "DB_PW" }] }],
  [app.convertSecret, "pw,env=DB_PW", { secrets: [{ name: "pw", variable: "DB_PW" }] }],
  [
    app.convertSecret,
    "pw,file=DB_PW_FILE",
    { secrets: [{ name: "pw", fileVariable: "DB_PW_FILE" }] },
  ],
  [
    app.convertSecret,
    "pw,uid=5,mode=0440",
    { secrets: [{ name: "pw", owner: { uid: 5, gid: 0 }, mode: 0o440 }] },
  ],
];

test.each(good)("%p reads %s", (convert, value, choices) => {
  const draft = converted(convert, value);
  expect(appChoices(draft)).toMatchObject(choices);
  expect(draft.remarks.filter(({ kind }) => kind === "unsupported")).toEqual([]);
});

const bad: readonly (readonly [convert: Convert, value: string, message: string])[] = [
  [app.convertEnv, "=x", "the name is empty"],
  [app.convertLabel, "=x", "it has no name"],
  [app.convertEntrypoint, "[1]", "it is no JSON list of words"],
  [app.convertEntrypoint, "[sh", "it is no JSON list of words"],
  [app.convertUser, "a:b:c", "it is not USER[:GROUP]"],
  [app.convertUser, "", "it is not USER[:GROUP]"],
  [app.convertWorkdir, "srv", "the path is not absolute"],
  [app.convertRestart, "sometimes", "Cannot read the restart policy"],
  [app.convertStopSignal, "SIGNOTHING", "no such signal"],
  [app.convertStopTimeout, "1m", "it is no number of seconds"],
  [app.convertCapability("add"), "NET ADMIN", "it is none"],
  [app.convertCapability("add"), "", "it is none"],
  [app.convertDevice, "fuse", "is no node below /dev"],
  [app.convertDevice, "/dev/fuse:rwx:rw", "is no node below /dev"],
  [app.convertRequires, "_", "no letter or digit is in it"],
  [app.convertSecret, "a b", "Cannot call a secret"],
  [app.convertSecret, "pw,type=file", '"file" is neither mount nor env'],
  [app.convertSecret, "pw,evn=X", 'there is no option "evn"'],
  [app.convertSecret, "pw,env=a-b", "it is no name of a variable"],
];

test.each(bad)("%p refuses %j", (convert, value, message) => {
  expect(() => converted(convert, value)).toThrow(message);
});

const lost: readonly (readonly [convert: Convert, value: string, reason: string])[] = [
  [app.convertEnv, "HOME", "its value would be that of whoever calls podman"],
  [app.convertStopTimeout, "-1", "a program gets from 1 to 3600 seconds to end"],
  [app.convertStopTimeout, "0", "a program gets from 1 to 3600 seconds to end"],
  [app.convertDevice, "nvidia.com/gpu=all", "devices of CDI are not looked up"],
  [app.convertSecret, "pw,target=/etc/pw", "the file is /run/secrets/pw"],
];

test.each(lost)("%p lists %s", (convert, value, reason) => {
  const { remarks } = converted(convert, value);
  const [remark] = remarks.filter(({ kind }) => kind === "unsupported");
  expect(remark?.reason.startsWith(reason)).toBe(true);
});

test("convertDevice() lists a folder of devices", () => {
  const tools = { ...noFiles, kindOf: () => "folder" as const };
  const { app: choices, remarks } = converted(app.convertDevice, "/dev/dri", tools);
  expect([choices.devices, remarks.map(({ reason }) => reason)]).toEqual([
    [],
    ["it is a folder; name each node in it"],
  ]);
});

test("convertEnvFile() reads a file below the folder, verbatim to the end of the line", () => {
  const tools = withFiles({ "/home/me/x.env": '# note\n\nA="x" # y\n  B=\nC\nD=e=f\r\n' });
  const { environment, remarks } = converted(app.convertEnvFile, "x.env", tools);
  expect([...environment]).toEqual([
    ["A", '"x" # y'],
    ["B", ""],
    ["D", "e=f"],
  ]);
  expect(remarks.map(({ option }) => option)).toEqual(["it, C"]);
});

test("convertLabelFile() reads a label a line", () => {
  const tools = withFiles({ "/labels": "a=b\nc\n" });
  expect([...converted(app.convertLabelFile, "/labels", tools).labels]).toEqual([
    ["a", "b"],
    ["c", ""],
  ]);
});

test("bootAsDocker() starts with the host what Docker would", () => {
  const boot = (policy: string) => {
    const draft = converted(app.convertRestart, policy);
    app.bootAsDocker(draft);
    return [draft.app.boot, draft.remarks.length];
  };
  expect(["no", "on-failure", "always", "unless-stopped"].map(boot)).toEqual([
    [undefined, 0],
    [undefined, 0],
    [true, 1],
    [true, 1],
  ]);
});

const networks: readonly (readonly [value: string, template: string, kinds: readonly string[]])[] =
  [
    ["none", "private", []],
    ["host", "host", []],
    ["bridge", "network_isolated", []],
    ["bridge:ip=10.88.0.10", "network_isolated", ["unsupported"]],
    ["front", "network_isolated", ["note"]],
    ["container:db", "network_isolated", ["unsupported"]],
    ["ns:/run/netns/x", "network_isolated", ["unsupported"]],
    ["slirp4netns:mtu=1", "network_isolated", ["unsupported"]],
    ["pasta", "network_isolated", ["unsupported"]],
  ];

test.each(networks)("convertNetwork() reads %s", (value, template, kinds) => {
  const draft = converted(convertNetwork, value);
  expect([draft.template, draft.remarks.map(({ kind }) => String(kind))]).toEqual([
    template,
    [...kinds],
  ]);
});
