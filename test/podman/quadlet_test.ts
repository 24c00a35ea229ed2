/** Quadlets against a golden file, and those that cannot be. */

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertQuadlets } from "../../lib/podman/quadlet.ts";
import { quadletKeys } from "../../lib/podman/quadlet_keys.ts";
import { convertSectionEntry } from "../../lib/podman/quadlet_sections.ts";
import { newDraft } from "../../lib/podman/draft.ts";
import { findRunOption } from "../../lib/podman/run_options.ts";
import { expectGolden } from "../golden/golden.ts";
import { noFiles, renderAll, withFiles } from "./_tools.ts";

const folder = join(import.meta.dir, "quadlets");
const tools = withFiles({ "/etc/containers/systemd/web.env": "FROM=file\n" });
const one = (text: string, name = "web") =>
  convertQuadlets([{ path: `/etc/containers/systemd/${name}.container`, text }], tools);

test("convertQuadlets() converts a folder of them", () => {
  const files = readdirSync(folder).map((name) => ({
    path: `/etc/containers/systemd/${name}`,
    text: readFileSync(join(folder, name), "utf8"),
  }));
  expectGolden("podman/quadlets.txt", renderAll(convertQuadlets(files, tools)));
});

/** From podman 5's pkg/systemd/quadlet: the keys that it knows in [Container]. */
const podmansKeys =
  "AddCapability AddDevice AddHost Annotation AppArmor AutoUpdate CgroupsMode ContainerName ContainersConfModule DNS DNSOption DNSSearch DropCapability Environment EnvironmentFile EnvironmentHost Entrypoint Exec ExposeHostPort GIDMap GlobalArgs Group GroupAdd HealthCmd HealthInterval HealthOnFailure HealthLogDestination HealthMaxLogCount HealthMaxLogSize HealthRetries HealthStartPeriod HealthStartupCmd HealthStartupInterval HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName HttpProxy IP6 IP Image ImageVolume Label LogDriver LogOpt Mask Memory Mount Network NetworkAlias NoNewPrivileges Notify PidsLimit Pod PodmanArgs PublishPort Pull ReadOnly ReadOnlyTmpfs ReloadCmd ReloadSignal RemapGid RemapUid RemapUidSize RemapUsers Retry RetryDelay Rootfs RunInit SeccompProfile Secret SecurityLabelDisable SecurityLabelFileType SecurityLabelLevel SecurityLabelNested SecurityLabelType ServiceName ShmSize StopSignal StartWithPod StopTimeout SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit Umask Unmask User UserNS VolatileTmp Volume WorkingDir";

test("every key of podman's is in the table, and leads to an option that there is", () => {
  expect(Object.keys(quadletKeys).sort()).toEqual(podmansKeys.split(" ").sort());
  const options = Object.values(quadletKeys).flatMap(({ option = [] }) => option);
  expect(options.filter((name) => findRunOption(name) === undefined)).toEqual([]);
});

describe("convertQuadlets()", () => {
  const image = "[Container]\nImage=x\n";

  test("lets an empty value take back those before it", () => {
    const [machine] = one(`${image}PublishPort=1:1\nPublishPort=\nPublishPort=2:2\n`).machines;
    expect(machine?.publish.map(({ hostPort }) => hostPort)).toEqual([2]);
  });

  test("joins continued lines", () => {
    const [machine] = one(`${image}Exec=a \\\n  b \\\n# comment\n  c\n`).machines;
    expect(machine?.args).toEqual(["a", "b", "c"]);
  });

  test("says that Exec would have had variables", () => {
    const { machines, remarks } = one(`${image}Exec=echo $HOME $$HOME\n`);
    expect([machines[0]?.args, remarks.map(({ kind }) => kind)]).toEqual([
      ["echo", "$HOME", "$HOME"],
      ["unsupported"],
    ]);
  });

  const bad: readonly (readonly [text: string, state: string, name?: string])[] = [
    ["[Container]\n", "it names no image"],
    ["[Unit]\nImage=x\n", "it names no image"],
    ["[Container]\nImage=web.image\n", "the image of web.image is not known"],
    ["[Container]\nImage=web.build\n", "the image of web.build is not known"],
    [image, "it is a template", "web@"],
    [`${image}ReadOnly=perhaps\n`, "it is neither yes nor no"],
    [`${image}Environment="A=b\n`, 'a quote (") is not closed'],
    [`${image}PublishPort=a:b\n`, 'Cannot publish "a:b"'],
    [`${image}PodmanArgs=--cups 1\n`, "Cannot convert --cups"],
    [`${image}EnvironmentFile=none\n`, "no file /etc/containers/systemd/none"],
    [`${image}[Service]\nTimeoutStopSec=soon\n`, 'Cannot read the time "soon"'],
  ];
  const rows = bad.map(([text, state, name = "web"]) => ({ text, state, name }));
  test.each(rows)("refuses $text", ({ text, state, name }) => {
    expect(() => one(text, name)).toThrow(state);
  });

  test("names the file that is wrong", () => {
    expect(() => one("[Container]\nImage=X\n")).toThrow(
      'Cannot convert "/etc/containers/systemd/web.container": Cannot parse image reference "X"',
    );
  });

  test("wants quadlets, and a container among them", () => {
    const file = (path: string) => [{ path, text: "" }];
    expect(() => convertQuadlets(file("/a.volume"), noFiles)).toThrow(
      "none of the files is a .container file",
    );
    expect(() =>
      convertQuadlets([...file("/a.txt"), { path: "/b.container", text: image }], noFiles),
    ).toThrow('Cannot convert "/a.txt": it is no quadlet');
  });

  test("two units of one container name are refused", () => {
    const text = `${image}ContainerName=same\n`;
    const files = ["a", "b"].map((name) => ({ path: `/${name}.container`, text }));
    expect(() => convertQuadlets(files, noFiles)).toThrow(
      'two containers would be the machine "same"',
    );
  });
});

const sections: readonly (readonly [
  section: string,
  key: string,
  value: string,
  change: object,
  kinds: readonly string[],
])[] = [
  ["Service", "Restart", "no", {}, []],
  ["Service", "Restart", "always", { restart: { when: "always" } }, []],
  ["Service", "Restart", "on-abnormal", {}, ["unsupported"]],
  ["Service", "TimeoutStopSec", "90", { stopTimeoutSec: 90 }, []],
  ["Service", "TimeoutStopSec", "infinity", {}, ["unsupported"]],
  ["Install", "WantedBy", "default.target", { boot: true }, []],
  ["Install", "Alias", "x.service", {}, ["unsupported"]],
  ["Unit", "After", "db.service other.service", { depends: ["db"] }, ["unsupported"]],
  ["Unit", "BindsTo", "far.container", { depends: ["far"] }, []],
  ["Unit", "Before", "db.service", {}, ["unsupported"]],
  ["Quadlet", "DefaultDependencies", "false", {}, ["unsupported"]],
  ["X-Mine", "A", "b", {}, []],
];

test.each(sections)("[%s] %s=%s", (section, key, value, change, kinds) => {
  const draft = newDraft();
  convertSectionEntry(draft, { section, key, value }, new Map([["db", "db" as never]]));
  expect(draft.app).toEqual({ ...newDraft().app, ...change });
  expect(draft.remarks.map(({ kind }) => kind)).toEqual([...kinds] as never);
});
