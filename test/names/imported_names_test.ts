import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readImportedNames } from "../../lib/names/imported_names.ts";

const root = mkdtempSync(join(tmpdir(), "mbctl-names-"));
afterAll(() => rmSync(root, { recursive: true }));

test("readImportedNames() reads a list for each host, and passes over what is no name", () => {
  expect(readImportedNames(root)).toEqual(new Map());
  const folder = join(root, "etc/mbctl/names");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "hostb"), "web\n# by hand\n\nApi.1\n../x\nlast");
  writeFileSync(join(folder, "hostc"), "");
  // Staged by a run that was killed.
  writeFileSync(join(folder, ".hostb.mbctl-new"), "x\n");
  expect(readImportedNames(root) as unknown).toEqual(
    new Map([
      ["hostb", ["web", "Api.1", "last"]],
      ["hostc", []],
    ]),
  );
});
