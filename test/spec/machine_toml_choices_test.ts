/** machine.toml with everything that a user may choose. */

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec, type Volume } from "../../lib/spec/machine_spec.ts";
import {
  formatMachineToml,
  parseDeclaration,
  parseMachineToml,
} from "../../lib/spec/machine_toml.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";
import { parseSignal } from "../../lib/signal.ts";

const word = fc.string({ unit: "grapheme", maxLength: 12 });
const words = fc.array(word, { minLength: 1, maxLength: 4 });
const path = fc.stringMatching(/^\/[a-z]{1,8}(\/[a-z]{1,8})?$/);
const count = fc.integer({ min: 1, max: 1_000_000 });
const text = fc.stringMatching(/^[a-z]{1,8}$/);
const labels = fc.dictionary(
  fc.stringMatching(/^[a-z.]{1,12}$/).filter((name) => !/^(constructor|prototype)$/.test(name)),
  word,
);
const mode = fc.integer({ min: 0, max: 0o7777 });
const owner = fc.record({ uid: fc.integer({ min: 0, max: 65535 }), gid: fc.nat(65535) });

const kept = { isReadOnly: fc.constant(true), owner, mode };
const volume: fc.Arbitrary<Volume> = fc.oneof(
  fc.record({ path, kind: fc.constantFrom("config", "data") }, { requiredKeys: ["path", "kind"] }),
  fc.record(
    { path, kind: fc.constant("data" as const), ...kept },
    { requiredKeys: ["path", "kind"] },
  ),
  fc.record(
    { path, kind: fc.constant("host" as const), source: path, ...kept },
    { requiredKeys: ["path", "kind", "source"] },
  ),
  fc.record(
    { path, kind: fc.constant("tmpfs" as const), sizeBytes: count, mode },
    { requiredKeys: ["path", "kind"] },
  ),
);

const probe = fc.oneof(
  fc.record({ kind: fc.constant("command" as const), words }),
  fc.record({ kind: fc.constant("shell" as const), line: word }),
  fc.record({
    kind: fc.constant("http" as const),
    port: fc.integer({ min: 1, max: 65535 }),
    path: fc.constantFrom("/", "/ready?x=1"),
  }),
  fc.record({ kind: fc.constant("tcp" as const), port: fc.integer({ min: 1, max: 65535 }) }),
);
const health = fc.oneof(
  fc.constant("none" as const),
  fc.record(
    {
      probe,
      intervalMs: count,
      timeoutMs: count,
      startPeriodMs: fc.nat(100_000),
      retries: count,
      onFailure: fc.constantFrom("none" as const, "restart" as const, "stop" as const),
    },
    { requiredKeys: ["probe"] },
  ),
);

const choices = fc.record(
  {
    entrypoint: words,
    args: words,
    user: word,
    workingDirectory: path,
    stopSignal: fc.constantFrom(parseSignal("SIGQUIT"), parseSignal("SIGRTMIN+3")),
    stopTimeoutSec: fc.integer({ min: 1, max: 3600 }),
    boot: fc.boolean(),
    health,
    labels,
    restart: fc.oneof(
      fc.record({ when: fc.constantFrom("no", "always", "unless-stopped", "on-failure") }),
      fc.record({ when: fc.constant("on-failure"), retries: fc.integer({ min: 1, max: 99 }) }),
    ),
    depends: fc.uniqueArray(text.map(parseMachineName), { maxLength: 3 }),
    limits: fc.record(
      {
        memory: count,
        cpus: fc.integer({ min: 1, max: 64 }),
        tasks: count,
        ioWeight: fc.integer({ min: 1, max: 10000 }),
        openFiles: count,
        disk: count,
      },
      { requiredKeys: [] },
    ),
    capabilities: fc.record({
      add: fc.subarray(["NET_ADMIN", "SYS_TIME", "ALL"]),
      drop: fc.subarray(["MKNOD", "ALL"]),
    }),
    isReadOnly: fc.boolean(),
    devices: fc.array(
      fc.constantFrom(
        { source: "/dev/fuse", target: "/dev/fuse", access: "rwm", ifAbsent: "fail" },
        { source: "/dev/a", target: "/dev/b", access: "r", ifAbsent: "skip" },
        { source: "char-ttyUSB", target: undefined, access: "rw", ifAbsent: "fail" },
      ),
      { maxLength: 3 },
    ),
    secrets: fc.uniqueArray(
      fc.record(
        { name: text.map(parseSecretName), fileVariable: text, variable: text },
        { requiredKeys: ["name"] },
      ),
      { maxLength: 3, selector: ({ name }) => name },
    ),
    volumes: fc.array(volume, { maxLength: 4 }),
  },
  {
    requiredKeys: [
      ...["labels", "restart", "depends", "limits", "capabilities"],
      ...["isReadOnly", "devices", "secrets", "volumes"],
    ] as never[],
  },
) as unknown as fc.Arbitrary<Partial<MachineSpec>>;

const image = {
  reference: "docker.io/library/x:1",
  digest: "sha256:a",
  manifestDigest: "sha256:b",
};
const plain: MachineSpec = {
  name: parseMachineName("web"),
  ...defaultChoices,
  image,
  environment: [],
  volumes: [],
};

test("parseMachineToml() gives back every choice that formatMachineToml() writes", () => {
  fc.assert(
    fc.property(choices, (chosen) => {
      const spec = { ...plain, ...chosen };
      expect(parseMachineToml(formatMachineToml(spec), "machine.toml")).toEqual(spec);
    }),
    { numRuns: 300 },
  );
});

test("parseDeclaration() takes a file of two lines; its name gives the machine's", () => {
  const declared = parseDeclaration('schema = 1\nimage = "nginx"\n', "web.toml", "web");
  expect(declared).toEqual({
    ...plain,
    image: { reference: "nginx", digest: undefined, manifestDigest: undefined },
  });
});

const bad: readonly (readonly [what: string, lines: string, message: RegExp])[] = [
  ["a mistyped key", 'imgae = "x"', /: line 4: unknown key "imgae", did you mean "image"\?/],
  [
    "one in a table",
    '[limits]\nmemroy = "1G"',
    /line 5: .*"limits.memroy", did you mean "memory"\?/,
  ],
  ["a wrong type", "boot = 3", /: line 4: boot: expected boolean but received 3/],
  ["a name that would get lost", '[env]\nconstructor = "x"', /env: .*is not a table without/],
  ["a size that is none", '[limits]\nmemory = "much"', /limits: Cannot read the size "much"/],
  ["a policy that is none", 'restart = "sometimes"', /restart: Cannot read the restart policy/],
  ["two probes", '[health]\ntcp = 80\nshell = "true"', /health: Cannot check in two ways/],
  [
    "a probe of another host",
    '[health]\nhttp = "http://example.org/"',
    /no address of the machine/,
  ],
  ["an interval of nothing", '[health]\ntcp = 80\ninterval = "0s"', /it is not above 0/],
  [
    "a device that is none",
    '[[devices]]\nsource = "/etc/shadow"',
    /devices: .*no node below \/dev/,
  ],
  ["a way out of /dev", '[[devices]]\nsource = "/dev/../etc/shadow"', /no node below \/dev/],
  ["a secret with a path", '[[secrets]]\nname = "../x"', /secrets: Cannot call a secret/],
  ["a machine that is none", 'depends = ["a_b"]', /depends.0: "a_b" is not the name of a machine/],
  ["an owner by name", '[[volumes]]\npath = "/a"\nkind = "data"\nowner = "www"', /volumes.0.owner/],
  ["a size for data", '[[volumes]]\npath = "/a"\nkind = "data"\nsize = "1G"', /"volumes.0.size"/],
  ["a port that is none", "[health]\ntcp = 0", /line 5: health.tcp/],
];

test.each(bad)("parseDeclaration() refuses %s", (_, lines, message) => {
  const text = `schema = 1\nname = "web"; image = "x"\n${lines}\n`.replace("; ", "\n");
  expect(() => parseDeclaration(text, "machine.toml")).toThrow(message);
});
