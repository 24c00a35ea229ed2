import { expect, test } from "bun:test";
import { unknownDigest } from "../../lib/image/digest.ts";
import { parseAppName } from "../../lib/spec/app_name.ts";
import { appRestart, type AppSpec, completeApps } from "../../lib/spec/app_spec.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import {
  defaultAppChoices,
  defaultChoices,
  type MachineSpec,
} from "../../lib/spec/machine_spec.ts";
import {
  formatMachineToml,
  parseDeclaration,
  parseMachineToml,
} from "../../lib/spec/machine_toml.ts";

const { limits, capabilities } = defaultAppChoices;
const app: AppSpec = {
  name: parseAppName("web"),
  image: {
    reference: "docker.io/library/nginx:1",
    digest: `sha256:${"1".repeat(64)}`,
    manifestDigest: `sha256:${"2".repeat(64)}`,
  },
  isStarted: true,
  environment: [["TZ", "UTC"]],
  volumes: [{ path: "/srv", kind: "data" }],
  ...{ restart: appRestart, limits, capabilities, isReadOnly: false, lend: {} },
};
const system: MachineSpec = {
  ...defaultChoices,
  name: parseMachineName("office"),
  mode: "base",
  image: {
    reference: "os:debian:bookworm",
    digest: unknownDigest,
    manifestDigest: unknownDigest,
  },
  os: { mirror: "http://deb/debian", packages: ["git"], user: { name: "build", uid: 1000 } },
  environment: [],
  volumes: [],
  connectors: [parseMachineName("db")],
  apps: [
    app,
    {
      ...app,
      name: parseAppName("psql"),
      isStarted: false,
      environment: [],
      volumes: [],
      lend: { psql: ["/usr/bin/psql", "-U", "postgres"] },
      restart: { when: "always" },
      isReadOnly: true,
    },
  ],
};

const golden = `# What this machine is, written by mbctl. container.nspawn and man8env.env are rendered from it.
schema = 1
name = "office"
mode = "base"
template = "network_isolated"
connectors = [ "db" ]

[image]
reference = "os:debian:bookworm"

[os]
mirror = "http://deb/debian"
packages = [ "git" ]
user = "build:1000"

[[apps]]
name = "web"

[apps.image]
reference = "docker.io/library/nginx:1"
digest = "sha256:${"1".repeat(64)}"
manifest_digest = "sha256:${"2".repeat(64)}"

[apps.env]
TZ = "UTC"

[[apps.volumes]]
path = "/srv"
kind = "data"

[[apps]]
name = "psql"
start = false
restart = "always"
read_only = true

[apps.image]
reference = "docker.io/library/nginx:1"
digest = "sha256:${"1".repeat(64)}"
manifest_digest = "sha256:${"2".repeat(64)}"

[apps.lend]
psql = [ "/usr/bin/psql", "-U", "postgres" ]
`;

test("a whole system with applications is written and read", () => {
  expect(formatMachineToml(system)).toBe(golden);
  expect(parseMachineToml(golden, "machine.toml")).toEqual(system);
});

test.each([
  ["an unknown mode", golden.replace('"base"', '"bass"'), /mode.*"base"/s],
  ["a bad app name", golden.replace('name = "web"', 'name = "Web!"'), /application/],
  ["two apps of a name", golden.replace('name = "psql"', 'name = "web"'), /two of .* "web"/],
  ["a unit's name", golden.replace('name = "web"', 'name = "web-log"'), /application/],
  ["a bad command", golden.replace("psql = [", '"a/b" = ['), /command/],
  ["a command of no words", golden.replace(/psql = \[.*/, "psql = []"), /lend/],
  ["a bad user", golden.replace("build:1000", "Build"), /user/],
  ["an app's volume", golden.replace('path = "/srv"', 'path = "srv"'), /path/],
])("parseMachineToml() refuses %s", (_, text, message) => {
  expect(() => parseMachineToml(text, "machine.toml")).toThrow(message);
});

test("an app may leave its digests to the registry, and keeps those that it was installed with", () => {
  const text = golden.replaceAll(/^(manifest_)?digest = .*\n/gm, "");
  const applied = parseMachineToml(text, "machine.toml");
  expect(applied.apps.map(({ image }) => image.digest)).toEqual([unknownDigest, unknownDigest]);
  expect(formatMachineToml(applied)).toBe(text);
  const { apps } = parseDeclaration(text, "machine.toml");
  expect(completeApps(apps, system.apps)).toEqual([...system.apps]);
  const renamed = apps.map((app) => {
    const reference = app.image.reference.replace("docker.io/library/", "");
    return { ...app, image: { reference, digest: undefined, manifestDigest: undefined } };
  });
  expect(completeApps(renamed, system.apps)).toEqual([...system.apps]);
  expect(completeApps(apps, []).map(({ image }) => image.digest)).toContain(unknownDigest);
});
