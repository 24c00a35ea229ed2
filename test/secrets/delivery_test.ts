import { expect, test } from "bun:test";
import { machinePaths } from "../../lib/paths.ts";
import { secretBinds, secretCredentials, secretVariables } from "../../lib/secrets/delivery.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseSecretName, type SecretUse } from "../../lib/spec/secret_use.ts";

const name = parseMachineName("web");
const uses: SecretUse[] = [
  { name: parseSecretName("plain") },
  {
    name: parseSecretName("tls.key"),
    fileVariable: "KEY_FILE",
    variable: "KEY",
    owner: { uid: 999, gid: 0 },
    mode: 0o440,
  },
];

test("secretVariables() tells man8s-init all of each secret but its value", () => {
  expect(secretVariables(uses)).toEqual([
    ["MAN8S_SECRETS", "plain:0400:::: tls.key:0440:999:0:KEY_FILE:KEY"],
  ]);
});

test("a machine without secrets has nothing of it in its files", () => {
  expect(secretVariables([])).toEqual([]);
  expect(secretBinds(name, [])).toEqual([]);
  expect(secretCredentials(machinePaths("/", name), [])).toEqual([]);
});

test("the unit loads the files of the configuration folder, and the folder that it fills is bound", () => {
  expect(secretCredentials(machinePaths("/", name), uses)).toEqual([
    { name: "plain", file: "/var/lib/man8machine_configs/web/.mbctl/secrets/plain.cred" },
    { name: "tls.key", file: "/var/lib/man8machine_configs/web/.mbctl/secrets/tls.key.cred" },
  ]);
  expect(secretBinds(name, uses)).toEqual([
    {
      source: "/run/mbctl/secrets/web",
      target: "/run/host/mbctl-secrets",
      isIdmapped: false,
      isReadOnly: true,
    },
  ]);
});
