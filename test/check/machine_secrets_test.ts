import { expect, test } from "bun:test";
import { evaluateSecrets } from "../../lib/check/machine_secrets.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseSecretName } from "../../lib/spec/secret_use.ts";

const name = parseMachineName("web");
const secret = (key: string, state: "set" | "missing" | "unreadable") => ({
  name: parseSecretName(key),
  state,
});

test("evaluateSecrets() says nothing of a machine without secrets, and names those that are well", () => {
  expect(evaluateSecrets(name, [])).toEqual([]);
  expect(evaluateSecrets(name, [secret("a", "set"), secret("b", "set")])).toEqual([
    { check: "secrets", verdict: "ok", seen: "a, b" },
  ]);
});

test("evaluateSecrets() finds those that keep the machine from starting", () => {
  const all = [secret("a", "set"), secret("b", "missing"), secret("c", "unreadable")];
  expect(evaluateSecrets(name, all)).toEqual([
    {
      check: "secrets",
      verdict: "wrong",
      seen: "b is not set",
      mend: "mbctl secrets set web b",
    },
    {
      check: "secrets",
      verdict: "wrong",
      seen: "c cannot be decrypted by this host",
      mend: "mbctl secrets set web c",
    },
  ]);
});
