import { expect, test } from "bun:test";
import { schemaKeys } from "../../lib/config/schema_keys.ts";
import { machineSchema } from "../../lib/spec/machine_schema.ts";

test("schemaKeys() finds the keys of the top, of tables, and of all variants of a list's tables", () => {
  expect(schemaKeys(machineSchema, [])).toContain("depends");
  expect(schemaKeys(machineSchema, ["image"])).toEqual(["reference", "digest", "manifest_digest"]);
  expect(schemaKeys(machineSchema, ["capabilities"])).toEqual(["add", "drop"]);
  expect(schemaKeys(machineSchema, ["volumes", 0]).sort()).toEqual(
    ["kind", "mode", "owner", "path", "read_only", "size", "source"].sort(),
  );
});

test("schemaKeys() finds none where there is no table", () => {
  expect(schemaKeys(machineSchema, ["name", "x"])).toEqual([]);
  expect(schemaKeys(machineSchema, ["nothing"])).toEqual([]);
});
