import { expect, test } from "bun:test";
import { MbctlError } from "../../lib/errors.ts";
import { parseTemplate } from "../../lib/config/template_toml.ts";

const file = "/etc/mbctl/templates/t.toml";

test("parseTemplate() reads every key", () => {
  const text =
    'summary = "s"\nwarning = "w"\n[network]\nkind = "macvlan"\nparent = "eth0"\nvlan = 4094\n';
  expect(parseTemplate(text, "t", file)).toEqual({
    name: "t",
    summary: "s",
    warning: "w",
    network: { kind: "macvlan", parent: "eth0", vlan: 4094 },
  });
});

test.each(["bridge", "host", "private"])("parseTemplate() reads the kind %s", (kind) => {
  const text = `summary = "s"\n[network]\nkind = "${kind}"\n`;
  expect<unknown>(parseTemplate(text, "t", file)).toEqual({
    name: "t",
    summary: "s",
    network: { kind },
  });
});

const macvlan = 'summary = "s"\n[network]\nkind = "macvlan"\n';
test.each([
  ["", /: the key "summary" is missing$/],
  ["summary = 1\n[network]\nkind = 'host'", /: line 1, summary: .*string/],
  ['summary = ""\n[network]\nkind = "host"', /: line 1, summary: /],
  ['summary = "a\\nb"\n[network]\nkind = "host"', /: line 1, summary: "a\nb" is not one line$/],
  ['summary = "s"\n', /: the key "network" is missing$/],
  ['summary = "s"\n[network]\n', /: .*"network.kind" is missing$/],
  ['summary = "s"\n\n[network]\nkind = "zone"\n', /: line 4, network.kind: .*"zone"/],
  [
    'summary = "s"\n[network]\nkind = "host"\nparent = "eth0"\n',
    /: line 4, unknown key "network.parent"$/,
  ],
  ['summary = "s"\nports = 1\n[network]\nkind = "host"\n', /: line 2, unknown key "ports"$/],
  [`${macvlan}vlan = 0`, /: line 4, network.vlan: /],
  [`${macvlan}vlan = 4095`, /: line 4, network.vlan: /],
  [`${macvlan}vlan = "7"`, /: line 4, network.vlan: /],
  [`${macvlan}vlan = 1.5`, /: line 4, network.vlan: /],
  [`${macvlan}parent = "a b"`, /: line 4, network.parent: .* is not the name of an interface, /],
  [`${macvlan}parent = "$(id)"`, /: line 4, network.parent: .* is not the name of an interface, /],
  ['summary = "s\n', /: line 1, column \d+: /],
])("parseTemplate() refuses %j as bad input, with file, line and key", (text, state) => {
  const read = () => parseTemplate(text, "t", file);
  expect(read).toThrow(MbctlError);
  expect(read).toThrow(state);
  expect(read).toThrow(`Cannot read "${file}": `);
});
