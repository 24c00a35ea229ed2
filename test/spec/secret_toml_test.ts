import { describe, expect, test } from "bun:test";
import { formatSecretUse, readSecretUses } from "../../lib/spec/secret_toml.ts";

describe("readSecretUses()", () => {
  test("is the inverse of formatSecretUse()", () => {
    const tables = [
      { name: "a" },
      { name: "b.c-d", file_variable: "B_FILE", variable: "B", owner: "999:9", mode: "0440" },
    ];
    expect(readSecretUses(tables).map(formatSecretUse)).toEqual(tables);
  });

  test.each([
    [[{ name: "a" }, { name: "b" }, { name: "a" }], 'Cannot use the secret "a": it stands twice'],
    [[{ name: "../a" }], 'Cannot call a secret "../a"'],
    [[{ name: "" }], 'Cannot call a secret ""'],
    [[{ name: "a", variable: "IFS" }], "man8s-init uses that name itself"],
    [[{ name: "a", file_variable: "MAN8S_X" }], "man8s-init uses that name itself"],
    [[{ name: "a", variable: "a b" }], "it is no name of a variable"],
  ])("refuses %p", (tables, message) => {
    expect(() => readSecretUses(tables)).toThrow(message);
  });
});
