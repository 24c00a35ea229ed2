import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MbctlError } from "../../lib/errors.ts";
import { openHost } from "../../lib/host/host.ts";
import { checkNetwork } from "../../lib/steps/check_network.ts";
import { defaultNetworkChoices, type NetworkChoices } from "../../lib/spec/machine_spec.ts";
import { parseAccessRule } from "../../lib/network/access_rule.ts";
import { parseDefaultRoute } from "../../lib/network/default_route.ts";
import { parsePortRange } from "../../lib/network/port.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { parseRelayPort } from "../../lib/network/relay_port.ts";

const root = mkdtempSync(join(tmpdir(), "check-network-"));
afterAll(() => rmSync(root, { recursive: true }));
const folder = join(root, "etc/mbctl/templates");
mkdirSync(folder, { recursive: true });
const write = (name: string, network: string) =>
  writeFileSync(
    join(folder, `${name}.toml`),
    `summary = "s"\n[network]\nkind = "macvlan"\n${network}`,
  );
write("cable", 'parent = "eth7"\n');
write("tagged", 'parent = "eth7"\nvlan = 20\n');
write("long", 'parent = "enx001122334455"\nvlan = 20\n');

const silent = { command: () => undefined };
const elsewhere = openHost({ root, log: silent });
/** The host of the tests, but for its templates. */
const live = { ...openHost({ root: "/", log: silent }), root };

function check(choices: Partial<NetworkChoices>, host = elsewhere) {
  const warnings: string[] = [];
  const network = checkNetwork(host, { ...defaultNetworkChoices, ...choices }, (text) =>
    warnings.push(text),
  );
  return { network, warnings };
}

test("checkNetwork() gives the template's network, and warns of what is given up", () => {
  expect(check({})).toEqual({ network: { kind: "bridge" }, warnings: [] });
  expect(check({ template: "private" })).toEqual({ network: { kind: "private" }, warnings: [] });
  const { network, warnings } = check({ template: "host" });
  expect([network, warnings.length]).toEqual([{ kind: "host" }, 1]);
  expect(warnings[0]).toStartWith("template host: the machine has no address of its own");
});

const allow = [parseAccessRule("mesh:443")];
const expose = [parsePortRange("443")];
const publish = [parsePublishedPort("8080:80")];
const relay6 = [parseRelayPort("auto")];

test("checkNetwork() lets a machine on the bridge have all choices", () => {
  expect(check({ allow, expose, publish, relay6 }).network).toEqual({ kind: "bridge" });
});

test("checkNetwork() refuses a port that is relayed in two ways", () => {
  const relay6 = ["80", "80+proxy"].map(parseRelayPort);
  expect(() => check({ relay6 })).toThrow("Cannot relay 80+proxy: the port is named twice");
});

test.each([
  ["macvlan", { allow }, "--allow", "the machine is not on the host's bridge, and answers on "],
  ["cable", { expose }, "--expose", "the machine is not on the host's bridge, and answers on "],
  ["host", { publish }, "--publish", "the machine has no address of its own, and its ports are "],
  ["private", { relay6 }, "--relay6", "the machine has no network"],
  ["private", { allow, publish }, "--allow and --publish", "the machine has no network"],
])("checkNetwork() refuses choices that mean nothing with %s", (template, choices, flags, why) => {
  expect(() => check({ template, ...choices })).toThrow(
    `Cannot use ${flags} with the template "${template}": ${why}`,
  );
});

test("checkNetwork() finds the interface of a macvlan", () => {
  expect(check({ template: "tagged" }).network).toEqual({
    kind: "macvlan",
    parent: "eth7",
    vlan: 20,
  });
  const tables = ["/proc/net/route", "/proc/net/ipv6_route"].map((path) =>
    readFileSync(path, "utf8"),
  );
  const uplink = parseDefaultRoute(tables[0] ?? "", tables[1] ?? "");
  if (uplink === undefined) expect(() => check({ template: "macvlan" }, live)).toThrow("uplink");
  else
    expect(check({ template: "macvlan" }, live).network).toEqual({
      kind: "macvlan",
      parent: uplink,
    });
});

test.each([
  ["macvlan", elsewhere, "host", `Cannot find the uplink: ${root} has no routes`],
  [
    "cable",
    live,
    "host",
    'Cannot put a machine on the interface "eth7": there is no such interface',
  ],
  ["long", elsewhere, "usage", 'Cannot name the VLAN interface "enx001122334455.20": it is longer'],
  ["nosuch", elsewhere, "usage", 'Cannot find the template "nosuch"'],
] as const)("checkNetwork() refuses %s", (template, host, kind, message) => {
  let error: unknown;
  try {
    check({ template }, host);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(MbctlError);
  expect((error as MbctlError).kind).toBe(kind);
  expect((error as MbctlError).message).toStartWith(message);
});
