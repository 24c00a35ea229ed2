/** What the READMEs say of verbs, files and exit codes is what the program does. */

import { describe, expect, test } from "bun:test";
import { EXIT_CODE_ROWS } from "../../lib/cli/exit_codes.ts";
import { parseEnvFile } from "../../lib/env/env_file.ts";
import { defaultHostConfig, parseHostConfig } from "../../lib/config/host_config.ts";
import { formatMachineToml, parseMachineToml } from "../../lib/spec/machine_toml.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseTemplate } from "../../lib/config/template_toml.ts";
import { builtinTemplates } from "../../lib/network/builtin_templates.ts";
import { verbTable } from "../../scripts/mbctl.ts";
import { codeBlocks, headingLevels, readDocument, section, tableRows } from "./_markdown.ts";

const english = readDocument("README.md");
const chinese = readDocument("README.zh-CN.md");

/** The verbs of the tables, `mbctl machines pull`, each with the words beside it. */
function verbRows(markdown: string): string[][] {
  return tableRows(markdown).flatMap(([command = "", says = ""]) => {
    const words = /^`mbctl ([a-z0-9]+(?: [a-z0-9-]+){0,2})/.exec(command)?.[1];
    return words === undefined ? [] : [[words, says]];
  });
}

describe("README.md", () => {
  test("has every verb in a table, in the order and the words of the help page", async () => {
    const verbs = await Promise.all(
      Object.entries(verbTable).map(async ([name, load]) => [name, (await load()).default.summary]),
    );
    expect(verbRows(section(english, "Commands"))).toEqual(verbs);
  });

  test("has the exit codes of the help page", () => {
    expect(tableRows(section(english, "Exit codes"))).toEqual(
      EXIT_CODE_ROWS.map(([code, meaning]) => [String(code), meaning]),
    );
  });

  test("shows a machine.toml as mbctl writes it", () => {
    const [text = ""] = codeBlocks(section(english, "machine.toml"), "toml");
    const written = formatMachineToml(parseMachineToml(text, "README.md"));
    expect(written.replace(/^#.*\n/, "")).toBe(text);
  });

  test("shows all keys of config.toml, with the values that hold without it", () => {
    const [text] = codeBlocks(section(english, "config.toml"), "toml");
    const { prefix, busybox, hosts, ...rest } = parseHostConfig(text, "README.md");
    expect<unknown>({ ...rest, hosts: [] }).toEqual(defaultHostConfig);
    expect([prefix, busybox, hosts[0]]).not.toContain(undefined);
    const keys = (toml: string) =>
      [...toml.matchAll(/^#?([a-z_]+) = /gm)].map(([, key]) => key).sort();
    expect(keys(text ?? "")).toEqual(keys(readDocument("config.toml.example")));
  });

  test("shows an env file that is one", () => {
    const [text = ""] = codeBlocks(section(english, "man8env.env"), "ini");
    const names = parseEnvFile(text, "README.md").map(([name]) => name);
    expect(names).toEqual([
      "MAN8S_CONTAINER_NAME",
      "MAN8S_CONTAINER_TEMPLATE",
      "MAN8S_NETWORK_INTERFACE",
      "MAN8S_YGGDRASIL_ADDRESS",
      "MAN8S_ULA_ADDRESS",
      "MAN8S_OCI_IMAGE_URL",
      "MAN8S_APPLICATION_USER",
      "MAN8S_APPLICATION_ARGS",
      "OTEL_TRACES_EXPORTER",
    ]);
  });

  test("shows every template, and one of an administrator's with every key", () => {
    const text = section(english, "Templates");
    expect(tableRows(text).map(([name]) => name)).toEqual(
      [...builtinTemplates.keys()].map((name) => `\`${name}\``),
    );
    const [template = ""] = codeBlocks(text, "toml");
    expect(parseTemplate(template, "mine", "README.md")).toEqual({
      name: "mine",
      summary: expect.any(String),
      warning: expect.any(String),
      network: { kind: "macvlan", parent: "eth1", vlan: 20 },
    });
  });

  test("names the paths of a machine", () => {
    const paths = machinePaths("/", parseMachineName("NAME"));
    const text = section(english, "Files");
    for (const path of [
      paths.tree,
      paths.configuration,
      paths.storage,
      paths.nspawnLink,
      paths.machineLink,
      paths.unitDropIn,
      paths.lock,
    ]) {
      expect(text).toContain(`\`${path}`);
    }
  });
});

describe("README.zh-CN.md", () => {
  test("has the headings of README.md, level by level", () => {
    const levels = (markdown: string) => headingLevels(markdown).filter((level) => level > 0);
    expect(levels(chinese)).toEqual(levels(english));
  });

  test("has the rows of the tables of README.md", () => {
    const firsts = (markdown: string) =>
      tableRows(markdown)
        .map(([first]) => first ?? "")
        .filter((first) => /^`|^\d+$/.test(first));
    expect(firsts(chinese)).toEqual(firsts(english));
  });

  test.each(["console", "toml", "ini"])("has the %s blocks of README.md", (language) => {
    expect(codeBlocks(chinese, language)).toEqual(codeBlocks(english, language));
  });

  test("links to what README.md links to", () => {
    const links = (markdown: string) =>
      [...markdown.matchAll(/\]\(([^)]+)\)/g)]
        .map(([, target]) => target)
        .filter((target) => target?.startsWith("README") !== true)
        .sort();
    expect(links(chinese)).toEqual(links(english));
  });
});

test.each(["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"])(
  "%s names no place on one person's machine",
  (path) => {
    expect(readDocument(path)).not.toMatch(/\/work\/|\/tmp\/exp|\/home\/|\blocalhost:(?!5000)/);
  },
);
