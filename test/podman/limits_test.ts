import { expect, test } from "bun:test";
import { appChoices } from "../../lib/podman/draft.ts";
import * as limits from "../../lib/podman/limits.ts";
import type { Convert } from "../../lib/podman/run_option.ts";
import type { Limits } from "../../lib/spec/limits.ts";
import { converted, noFiles } from "./_tools.ts";

const good: readonly (readonly [convert: Convert, value: string, limits: Limits])[] = [
  [limits.convertMemory, "512m", { memory: 512 * 1024 ** 2 }],
  [limits.convertMemory, "2g", { memory: 2 * 1024 ** 3 }],
  [limits.convertMemory, "1073741824b", { memory: 1024 ** 3 }],
  [limits.convertMemory, "0", {}],
  [limits.convertCpus, "1.5", { cpus: 1.5 }],
  [limits.convertCpus, ".5", { cpus: 0.5 }],
  [limits.convertCpus, "0.000", {}],
  [limits.convertCpuQuota, "50000", { cpus: 0.5 }],
  [limits.convertCpuQuota, "-1", {}],
  [limits.convertPidsLimit, "100", { tasks: 100 }],
  [limits.convertBlkioWeight, "10", { ioWeight: 1 }],
  [limits.convertBlkioWeight, "500", { ioWeight: 4950 }],
  [limits.convertBlkioWeight, "1000", { ioWeight: 10_000 }],
  [limits.convertBlkioWeight, "0", {}],
  [limits.convertUlimit, "nofile=65536:65536", { openFiles: 65_536 }],
  [limits.convertUlimit, "nofile=1024", { openFiles: 1024 }],
];

test.each(good)("%p reads %s", (convert, value, wanted) => {
  const draft = converted(convert, value);
  expect(appChoices(draft).limits).toEqual(wanted);
  expect(draft.remarks).toEqual([]);
});

test("a quota counts with its period, and gives way to --cpus", () => {
  const draft = converted(limits.convertCpuQuota, "25000");
  limits.convertCpuPeriod(draft, { value: "50000", written: "it", tools: noFiles });
  expect(appChoices(draft).limits).toEqual({ cpus: 0.5 });
  limits.convertCpus(draft, { value: "2", written: "it", tools: noFiles });
  expect(appChoices(draft).limits).toEqual({ cpus: 2 });
});

const lost: readonly (readonly [convert: Convert, value: string, reason: RegExp])[] = [
  [limits.convertPidsLimit, "-1", /^systemd's own TasksMax=16384/],
  [limits.convertUlimit, "nofile=-1", /^there is always a limit/],
  [
    limits.convertUlimit,
    "nofile=1024:4096",
    /^open_files is soft and hard limit in one; it is 4096 now$/,
  ],
  [limits.convertUlimit, "memlock=-1:-1", /^write LimitMEMLOCK=infinity under/],
  [limits.convertUlimit, "nproc=64:128", /^write LimitNPROC=64:128 under/],
  [limits.convertUlimit, "host", /^the host's own limits/],
];

test.each(lost)("%p lists %s", (convert, value, reason) => {
  const { remarks } = converted(convert, value);
  expect(remarks.map(({ kind }) => kind)).toEqual(["unsupported"]);
  expect(remarks[0]?.reason).toMatch(reason);
});

const bad: readonly (readonly [convert: Convert, value: string])[] = [
  [limits.convertMemory, "lots"],
  [limits.convertMemory, "-1"],
  [limits.convertCpus, "1e3"],
  [limits.convertCpus, "-1"],
  [limits.convertCpus, ""],
  [limits.convertPidsLimit, "many"],
  [limits.convertBlkioWeight, "5"],
  [limits.convertBlkioWeight, "1001"],
  [limits.convertUlimit, "nofile"],
  [limits.convertUlimit, "nofile=a:b"],
];

test.each(bad)("%p refuses %j", (convert, value) => {
  expect(() => converted(convert, value)).toThrow(/^Cannot /);
});

test("a share of the processors that systemd does not take is refused", () => {
  expect(() => appChoices(converted(limits.convertCpuQuota, "1"))).toThrow(
    "it is not from 0.01 to 8192",
  );
});
