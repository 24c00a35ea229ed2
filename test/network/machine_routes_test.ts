import { expect, test } from "bun:test";
import { formatIpv6, parseIpv6 } from "../../lib/address/ipv6.ts";
import {
  type PresentNetwork,
  type PresentRoute,
  readdress,
} from "../../lib/network/machine_routes.ts";

const device = "host0";
const [oldMesh, mesh] = ["300:1:2:3:aa:bb:cc:dd", "301:9:8:7:aa:bb:cc:dd"];
const [oldUla, ula] = ["fd00:1:2:3:aa:bb:cc:dd", "fd00:9:8:7:aa:bb:cc:dd"];
/** What the machine made itself of a router's advertisement. */
const advertised = "fd00:1:2:3:7c:2dff:fe45:1";

/** A network as `ip -6 -json` tells it, for a mesh and a unique local address. */
function present(mesh: string, ula: string, more: Partial<PresentNetwork> = {}): PresentNetwork {
  const [meshNet, ulaNet] = [mesh, ula].map((address) => {
    return formatIpv6((parseIpv6(address) & ~((1n << 64n) - 1n)) as never);
  });
  const gateway = (net = "") => formatIpv6((parseIpv6(net) + 1n) as never);
  const routes: PresentRoute[] = [
    { dst: `${meshNet}/64`, table: "199", prefsrc: mesh, metric: 1024 },
    { dst: "200::/7", gateway: gateway(meshNet), table: "199", prefsrc: mesh, metric: 1024 },
    { dst: `${meshNet}/64`, metric: 256 },
    { dst: `${ulaNet}/64`, prefsrc: ula, metric: 128 },
    { dst: `${ulaNet}/64`, metric: 256 },
    { dst: "default", gateway: gateway(ulaNet), prefsrc: ula, metric: 512 },
    { dst: "default", gateway: "fe80::1", metric: 1024 },
    { dst: mesh, table: "local", metric: 0 },
  ];
  const addresses = [mesh, ula, advertised, "fe80::5"].map(parseIpv6);
  return { addresses, routes, hasRule: true, ...more };
}
const wanted = { mesh: parseIpv6(mesh), ula: parseIpv6(ula) };
const commands = (network: PresentNetwork, to = wanted) =>
  readdress(network, to, device).map((words) => words.join(" "));

test("readdress() gives new addresses and their routes, then takes the old ones", () => {
  expect(commands(present(oldMesh, oldUla))).toEqual([
    `-6 addr add ${mesh}/64 dev host0 nodad valid_lft forever preferred_lft 0`,
    `-6 route replace 301:9:8:7::/64 dev host0 src ${mesh} table 199`,
    `-6 route replace 200::/7 via 301:9:8:7::1 dev host0 src ${mesh} table 199`,
    "-6 route del 300:1:2:3::/64 dev host0 table 199",
    `-6 addr del ${oldMesh}/64 dev host0`,
    `-6 addr add ${ula}/64 dev host0 nodad`,
    `-6 route replace fd00:9:8:7::/64 dev host0 src ${ula} metric 128`,
    `-6 route replace default via fd00:9:8:7::1 dev host0 src ${ula} metric 512`,
    "-6 route del fd00:1:2:3::/64 dev host0 metric 128",
    `-6 addr del ${oldUla}/64 dev host0`,
  ]);
});

test("readdress() does nothing where all is right, and no more than is missing where it is not", () => {
  const right = present(mesh, ula);
  expect(commands(right)).toEqual([]);
  expect(commands({ ...right, hasRule: false })).toEqual([
    "-6 rule add to 200::/7 lookup 199 pref 199",
  ]);
  const [, , ...others] = right.routes;
  expect(commands({ ...right, routes: others })).toEqual([
    `-6 route replace 301:9:8:7::/64 dev host0 src ${mesh} table 199`,
    `-6 route replace 200::/7 via 301:9:8:7::1 dev host0 src ${mesh} table 199`,
  ]);
  const both = { ...right, addresses: [...right.addresses, parseIpv6(oldMesh)] };
  expect(commands(both)).toEqual([`-6 addr del ${oldMesh}/64 dev host0`]);
  // A machine of which one of the two is not known keeps what it has of it.
  expect(commands(present(oldMesh, oldUla), { mesh: undefined, ula: undefined } as never)).toEqual(
    [],
  );
});

test("readdress(), stopped behind any of its commands, is completed by the next run", () => {
  const all = readdress(present(oldMesh, oldUla), wanted, device);
  for (let done = 0; done <= all.length; done++) {
    const stopped = all.slice(0, done).reduce(carryOut, present(oldMesh, oldUla));
    const end = readdress(stopped, wanted, device).reduce(carryOut, stopped);
    expect(readdress(end, wanted, device)).toEqual([]);
    const formatted = end.addresses.map(formatIpv6).sort();
    expect(formatted).toEqual([mesh, ula, advertised, "fe80::5"].sort());
  }
});

/** ip(8), as far as these commands need it. */
function carryOut(network: PresentNetwork, words: readonly string[]): PresentNetwork {
  const [, object, action, what = "", ...rest] = words;
  const option = (name: string) => rest[rest.indexOf(name) + 1] as string;
  const has = (name: string) => rest.includes(name);
  if (object === "rule") return { ...network, hasRule: true };
  if (object === "addr") {
    const address = parseIpv6(what.replace("/64", ""));
    const others = network.addresses.filter((other) => other !== address);
    return { ...network, addresses: action === "add" ? [...others, address] : others };
  }
  const route: PresentRoute = {
    dst: what,
    ...(has("via") ? { gateway: option("via") } : {}),
    ...(has("src") ? { prefsrc: option("src") } : {}),
    ...(has("table") ? { table: option("table") } : {}),
    metric: has("metric") ? Number(option("metric")) : 1024,
  };
  const isSame = (other: PresentRoute) =>
    other.dst === route.dst && other.table === route.table && other.metric === route.metric;
  const others = network.routes.filter((other) => !isSame(other));
  if (action === "del" && others.length === network.routes.length)
    throw new Error(`No such route: ${words}`);
  return { ...network, routes: action === "del" ? others : [...others, route] };
}
