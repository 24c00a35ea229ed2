import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatMachineToml, parseMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";

const spec: MachineSpec = {
  name: parseMachineName("Man8Registry"),
  ...defaultChoices,
  image: {
    reference: "docker.io/library/registry:latest",
    digest: `sha256:${"0".repeat(64)}`,
    manifestDigest: `sha256:${"1".repeat(64)}`,
  },
  environment: [
    ["TZ", "UTC"],
    ["QUOTED", 'a "b" \\ c\nd'],
  ],
  volumes: [
    { path: "/var/lib/registry", kind: "data" },
    { path: "/srv", kind: "host", source: "/srv/with space" },
  ],
};

const golden = `# What this machine is, written by mbctl. container.nspawn and man8env.env are rendered from it.
schema = 1
name = "Man8Registry"
template = "network_isolated"

[image]
reference = "docker.io/library/registry:latest"
digest = "sha256:${"0".repeat(64)}"
manifest_digest = "sha256:${"1".repeat(64)}"

[env]
TZ = "UTC"
QUOTED = "a \\"b\\" \\\\ c\\nd"

[[volumes]]
path = "/var/lib/registry"
kind = "data"

[[volumes]]
path = "/srv"
kind = "host"
source = "/srv/with space"
`;

test("formatMachineToml() writes the whole file", () => {
  expect(formatMachineToml(spec)).toBe(golden);
});

test("parseMachineToml() is the inverse of formatMachineToml()", () => {
  const variable = fc.tuple(
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]*$/),
    fc.string({ unit: "grapheme" }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(variable, { selector: ([name]) => name }), (environment) => {
      const given = { ...spec, environment };
      const read = parseMachineToml(formatMachineToml(given), "machine.toml");
      expect(Object.fromEntries(read.environment)).toEqual(Object.fromEntries(environment));
      expect({ ...read, environment: [] }).toEqual({ ...given, environment: [] });
    }),
  );
});

const bad: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ["broken TOML", "schema = ", /^Cannot read "machine.toml": line 1, column \d+: /],
  [
    "an unknown key",
    `${golden}\ncolour = 1`.replace("schema = 1", 'schema = 1\ncolour = "red"'),
    /colour/,
  ],
  ["a later schema", golden.replace("schema = 1", "schema = 2"), /schema/],
  [
    "a port that is none",
    golden.replace("[image]", 'expose = ["0-7"]\n\n[image]'),
    /^Cannot read "machine.toml": expose: Cannot read the port "0-7"/,
  ],
  [
    "a rule that is none",
    golden.replace("[image]", 'allow = [":80"]\n\n[image]'),
    /^Cannot read "machine.toml": allow: Cannot read the rule ":80"/,
  ],
  ["a bad name", golden.replace('"Man8Registry"', '"a_b"'), /as a machine name/],
  ["a relative volume", golden.replace('path = "/srv"', 'path = "srv"'), /path/],
  ["a host volume without source", golden.replace('source = "/srv/with space"\n', ""), /source/],
  ["an unknown kind", golden.replace('kind = "data"', 'kind = "ramfs"'), /kind/],
];

test.each(bad)("parseMachineToml() refuses %s", (_, text, message) => {
  expect(() => parseMachineToml(text, "machine.toml")).toThrow(message);
});

test.each(["//machine.toml", "/./machine.toml", "/machine.toml/", "//./machine.toml/."])(
  "parseMachineToml() knows one spelling of the path %s",
  (path) => {
    const text = golden.replace('"/var/lib/registry"', JSON.stringify(path));
    expect(parseMachineToml(text, "machine.toml").volumes[0]?.path).toBe("/machine.toml");
  },
);
