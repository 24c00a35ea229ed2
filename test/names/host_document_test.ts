import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { renderJson } from "../../lib/cli/json.ts";
import { MbctlError } from "../../lib/errors.ts";
import {
  documentFields,
  formatHostDocument,
  type HostDocument,
  parseHostDocument,
} from "../../lib/names/host_document.ts";
import { type MachineName, parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseTrustedHost } from "../../lib/address/trusted_host.ts";

const key = "cc11c73bd4271b10b2ecba1d01a06c1465c053e665f2d9b3c97480559628bc56";
const { address, prefix } = parseTrustedHost("hostb", key);
const document: HostDocument = {
  host: "hostb",
  key,
  address,
  prefix,
  machines: ["Web", "db.1"].map(parseMachineName),
};
const text = formatHostDocument(document);

test("a document is TOML, with a version", () => {
  expect(text)
    .toBe(`# A host and its machines. On a host that is to know them: mbctl address import FILE
schema = 1
host = "hostb"
key = "${key}"
address = "200:67dc:7188:57b1:c9de:9a26:8bc5:fcbf"
prefix = "300:67dc:7188:57b1::/64"
machines = [ "Web", "db.1" ]
`);
});

test("what is written is read, as TOML and as JSON", () => {
  const label = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?$/);
  const names = fc.array(label) as fc.Arbitrary<MachineName[]>;
  const identity = fc.constantFrom({ key, address, prefix }, { address, prefix }, { prefix });
  fc.assert(
    fc.property(label, names, identity, (host, machines, rest) => {
      const whole: HostDocument = { host, machines, ...rest };
      expect(parseHostDocument(formatHostDocument(whole), "x")).toEqual(whole);
      expect(parseHostDocument(renderJson(documentFields(whole)), "x")).toEqual(whole);
    }),
  );
});

describe("parseHostDocument() refuses", () => {
  const without = (name: string) => text.replace(new RegExp(`^${name} = .*\n`, "m"), "");
  const other = (name: string, value: string) =>
    text.replace(new RegExp(`^${name} = .*$`, "m"), `${name} = ${value}`);
  const rows: readonly (readonly [what: string, text: string, state: RegExp])[] = [
    ["nothing", "", /the key "schema" is missing;/],
    ["a later version", other("schema", "2"), /schema: expected 1 but received 2$/],
    ["a document without a host", without("host"), /the key "host" is missing$/],
    ["one without a prefix", without("prefix"), /the key "prefix" is missing$/],
    ["one without machines", without("machines"), /the key "machines" is missing$/],
    [
      "a host's name that is none",
      other("host", '"../x"'),
      /host: "\.\.\/x" is not the name of a host$/,
    ],
    ["a machine's name that is none", other("machines", '["a\\nb"]'), /the name of a machine/],
    [
      "more machines than a host has",
      other("machines", JSON.stringify(Array(4097).fill("a"))),
      /it names 4097 machines, more than 4096$/,
    ],
    ["an unknown key", `${text}x = 1\n`, /unknown key "x"$/],
    ["a key that is none", other("key", '"abc"'), /IPv6 address "abc"/],
    ["another host's key", other("key", `"${key.replace("c", "d")}"`), /not those of one host$/],
    ["another host's address", other("address", '"200::1"'), /not those of one host$/],
    ["another host's prefix", other("prefix", '"300::/64"'), /not those of one host$/],
    ["what is no TOML", "<html>", /line 1, column \d+/],
    ["what is no JSON", "{ no", /it is no JSON: /],
  ];
  test.each(rows)("%s", (_, text, state) => {
    let error: unknown;
    try {
      parseHostDocument(text, "x.toml");
    } catch (thrown) {
      error = thrown;
    }
    if (!(error instanceof MbctlError)) throw new Error(`no MbctlError: ${error}`);
    expect([error.kind, error.message]).toEqual(["usage", expect.stringMatching(state)]);
  });
});
