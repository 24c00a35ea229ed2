import { expect, test } from "bun:test";
import { describeChoices, describeVolumes } from "../../lib/details/choice_details.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";
import { parseSignal } from "../../lib/signal.ts";

const name = parseMachineName("web");
const spec: MachineSpec = {
  ...defaultChoices,
  name,
  image: { reference: "x:1", digest: "sha256:0", manifestDigest: "sha256:1" },
  environment: [],
  volumes: [],
};

test("describeChoices() says nothing of what nobody chose", () => {
  expect(describeChoices(spec)).toEqual([]);
});

test("describeChoices() says what was chosen, in the words of machine.toml's readers", () => {
  const chosen: MachineSpec = {
    ...spec,
    labels: { "com.example": "x" },
    secrets: [{ name: parseSecretName("token"), variable: "TOKEN" }],
    stopSignal: parseSignal("USR1"),
    stopTimeoutSec: 3,
    restart: { when: "on-failure", retries: 2 },
    depends: [parseMachineName("db"), parseMachineName("cache")],
    limits: {
      memory: 512 * 1024 ** 2,
      cpus: 1.5,
      tasks: 99,
      ioWeight: 50,
      openFiles: 1000,
      disk: 1024,
    },
    capabilities: { add: ["SYSLOG"], drop: ["ALL"] },
    isReadOnly: true,
    devices: [
      parseDevice("/dev/fuse"),
      { ...parseDevice("/dev/a:/dev/b:r"), ifAbsent: "skip" },
      parseDevice("char-ttyUSB"),
    ],
  };
  expect(describeChoices(chosen)).toEqual([
    ["stop signal", "SIGUSR1"],
    ["stop time", "3 s"],
    ["restart", "on-failure:2"],
    ["depends on", "db cache"],
    ["memory limit", "512M"],
    ["processors", "1.5"],
    ["tasks limit", "99"],
    ["IO weight", "50"],
    ["open files limit", "1000"],
    ["disk limit", "1K"],
    ["capabilities added", "SYSLOG"],
    ["capabilities dropped", "ALL"],
    ["root tree is", "read-only"],
    ["device", "/dev/fuse, rwm"],
    ["device", "/dev/a as /dev/b, r, if it is there"],
    ["device", "char-ttyUSB, rwm"],
    ["secrets", "token"],
    ["label com.example", "x"],
  ]);
});

test("describeVolumes() says where each lies, and how", () => {
  const volumes = [
    { path: "/d", kind: "data", isReadOnly: true, owner: { uid: 7, gid: 8 }, mode: 0o750 },
    { path: "/h", kind: "host", source: "/srv/h" },
    { path: "/t", kind: "skip" },
    { path: "/m", kind: "tmpfs", sizeBytes: 2048 },
  ] as const;
  expect(describeVolumes(volumes, machinePaths("/", name))).toEqual([
    [
      "volume /d",
      "data, in /var/lib/man8machine_storage/web/d, read-only, made for 7:8, mode 0750",
    ],
    ["volume /h", "host, in /srv/h"],
    ["volume /t", "skip, in /var/lib/man8machines/web/t"],
    ["volume /m", "tmpfs, in memory, 2K at most"],
  ]);
});
