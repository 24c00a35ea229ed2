/** Whatever a host's state is, nft takes the script, and loads nothing but our two tables. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatIpv6, type Ipv6 } from "../../lib/address/ipv6.ts";
import { renderFirewall } from "../../lib/firewall/render_firewall.ts";
import { MbctlError } from "../../lib/errors.ts";
import { isMachineName } from "../../lib/spec/machine_name.ts";
import type { HostMachine, HostState } from "../../lib/network/host_state.ts";
import { formatIpv4, type Ipv4 } from "../../lib/network/ipv4.ts";
import { machineOf, stateOf } from "./_states.ts";

const label = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?$/);
/** Names that nft could take for words of its own are among them. */
const name = fc
  .oneof(
    fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join(".")),
    fc.constantFrom(
      "accept",
      "drop",
      "machines",
      "mesh",
      "others",
      "ip6",
      "1",
      "0x1",
      "jump",
      "set",
      "64",
    ),
  )
  .filter(isMachineName);
const port = fc.integer({ min: 1, max: 65535 });
const protocol = fc.constantFrom("", "/tcp", "/udp");
const range = fc
  .tuple(port, port, protocol)
  .map(([a, b, behind]) => `${Math.min(a, b)}-${Math.max(a, b)}${behind}`);
const ports = fc.oneof(
  fc.tuple(port, protocol).map((parts) => parts.join("")),
  range,
);
const ipv4 = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((value) => formatIpv4(value as Ipv4));
const ipv6 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => formatIpv6(value as Ipv6));
const hostName = fc.constantFrom("hosta", "hostb", "hostc", "unknown");
const source = fc.oneof(
  fc.constantFrom("trusted", "mesh"),
  hostName,
  fc.tuple(name, hostName).map((parts) => parts.join("@")),
);
const rule = fc.oneof(
  source,
  fc.tuple(source, ports).map((parts) => parts.join(":")),
);
const published = fc
  .tuple(fc.option(fc.oneof(ipv4, ipv6)), port, port, fc.constantFrom("", "/udp"))
  .map(([address, outer, inner, behind]) => {
    const before = address === null ? "" : address.includes(":") ? `[${address}]:` : `${address}:`;
    return `${before}${outer}:${inner}${behind}`;
  });
const few = { maxLength: 4 };
const machine: fc.Arbitrary<HostMachine> = fc
  .record({
    name,
    allow: fc.array(rule, few),
    expose: fc.array(ports, few),
    publish: fc.array(published, few),
    ipv4: fc.option(
      fc.integer({ min: 2, max: 254 }).map((last) => `10.199.0.${last}`),
      { nil: undefined },
    ),
  })
  .map(({ name, ipv4, ...words }) =>
    machineOf(name, ipv4 === undefined ? words : { ...words, ipv4 }),
  );
const meshPrefix = fc
  .bigInt({ min: 0n, max: 2n ** 56n - 1n })
  .map((value) => `${formatIpv6(((3n << 120n) | (value << 64n)) as Ipv6)}/64`);
const state: fc.Arbitrary<HostState> = fc
  .record({
    prefixes: fc.uniqueArray(meshPrefix, { maxLength: 2 }),
    address: fc.boolean(),
    machines: fc.uniqueArray(machine, { maxLength: 6, selector: ({ spec }) => spec.name }),
    bridge: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/),
  })
  .map(({ prefixes, address, machines, bridge }) => {
    const ofAddress = (prefix: string) =>
      address ? prefix.replace(/^3(.*)::\/64$/, "2$1::99") : prefix;
    const hosts = Object.fromEntries(
      prefixes.map((prefix, index) => [`host${"bc"[index]}`, ofAddress(prefix)]),
    );
    const found = stateOf(hosts, machines);
    return { ...found, network: { ...found.network, bridge } };
  });

/** nft in a network of its own: what it says of the script, and of what it has loaded. */
function load(script: string, list: string): { said: string; listed: string } {
  const { stdout, stderr } = Bun.spawnSync(
    ["unshare", "--net", "sh", "-c", `nft -f - && ${list}`],
    { stdin: Buffer.from(script), timeout: 10_000 },
  );
  return { said: stderr.toString(), listed: stdout.toString() };
}

const ours = { said: "", listed: "table inet mbctl\ntable bridge mbctl\n" };

test("any state renders to a script that nft takes, alone and over an earlier one", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const scripts = [before, after].map(renderFirewall);
      expect(load(scripts.join("\n"), "nft list tables")).toEqual(ours);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test("a bridge of any name is refused, or nft takes it as it is", () => {
  const one = fc.oneof(fc.constantFrom(...'aZ09_.-*"\\;#{}$ \n'), fc.string({ maxLength: 1 }));
  const bridge = fc.array(one, { minLength: 1, maxLength: 15 }).map((parts) => parts.join(""));
  const { network, ...rest } = stateOf({}, [machineOf("web", { publish: ["8080:80"] })]);
  fc.assert(
    fc.property(fc.oneof(bridge, fc.stringMatching(/^[a-z_][a-z0-9.-]{0,4}$/)), (bridge) => {
      let script: string;
      try {
        script = renderFirewall({ ...rest, network: { ...network, bridge } });
      } catch (error) {
        expect(error).toBeInstanceOf(MbctlError);
        return;
      }
      const { said, listed } = load(script, "nft list chain inet mbctl forward");
      expect(said).toBe("");
      expect(listed).toContain(`iifname != "${bridge}" oifname "${bridge}" jump to-machines`);
    }),
  );
}, 60_000);
