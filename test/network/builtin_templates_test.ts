import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseTemplate } from "../../lib/config/template_toml.ts";
import { builtinTemplates } from "../../lib/network/builtin_templates.ts";

const folder = join(import.meta.dir, "../../systemd-configs/templates");

test("builtinTemplates are the files of systemd-configs/templates", () => {
  const files = readdirSync(folder).map((file) => [
    file.slice(0, -".toml".length),
    readFileSync(join(folder, file), "utf8"),
  ]);
  expect([...builtinTemplates].sort()).toEqual(files.sort() as [string, string][]);
});

test.each([
  ["network_isolated", { kind: "bridge" }],
  ["macvlan", { kind: "macvlan", parent: "" }],
  ["host", { kind: "host" }],
  ["private", { kind: "private" }],
])("%s is a template", (name, network) => {
  const template = parseTemplate(builtinTemplates.get(name) ?? "", name, `${name}.toml`);
  expect(template).toMatchObject({ name, network });
});

test("the templates that give something up say so", () => {
  const warned = [...builtinTemplates].flatMap(([name, text]) =>
    parseTemplate(text, name, name).warning === undefined ? [] : [name],
  );
  expect(warned).toEqual(["macvlan", "host"]);
});
