import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTemplate, requireOwnNames } from "../../lib/config/read_template.ts";

const root = mkdtempSync(join(tmpdir(), "templates-"));
afterAll(() => rmSync(root, { recursive: true }));
const folder = join(root, "etc/mbctl/templates");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "lan.toml"), 'summary = "s"\n[network]\nkind = "private"\n');
writeFileSync(join(folder, "broken.toml"), "summary = 1\n");
writeFileSync(join(folder, "notes.txt"), "");

test("readTemplate() finds mbctl's own and the administrator's", () => {
  expect(readTemplate(root, "network_isolated").network).toEqual({ kind: "bridge" });
  expect(readTemplate("/nonexistent", "host").network).toEqual({ kind: "host" });
  expect(readTemplate(root, "lan")).toEqual({
    name: "lan",
    summary: "s",
    network: { kind: "private" },
  });
});

test.each(["nosuch", "", "../templates/lan", "lan.toml", "notes", "constructor"])(
  "readTemplate() knows no %j, and says which there are",
  (name) => {
    expect(() => readTemplate(root, name)).toThrow(
      `Cannot find the template ${JSON.stringify(name)}: there is no such template`,
    );
  },
);

test("readTemplate() names the file that is wrong", () => {
  expect(() => readTemplate(root, "broken")).toThrow(`Cannot read "${folder}/broken.toml": line 1`);
});

test("requireOwnNames() refuses a file with a name of mbctl's; the template itself stays mbctl's", () => {
  expect(() => requireOwnNames(root)).not.toThrow();
  writeFileSync(join(folder, "host.toml"), 'summary = "s"\n[network]\nkind = "bridge"\n');
  expect(() => requireOwnNames(root)).toThrow(
    `Cannot use the template "${folder}/host.toml": "host" is a template of mbctl itself`,
  );
  expect(readTemplate(root, "host").network).toEqual({ kind: "host" });
});
