import { describe, expect, test } from "bun:test";
import { accessOf, coversPort, peersOf, requireKnownHosts } from "../../lib/firewall/access.ts";
import { parseAccessRule } from "../../lib/network/access_rule.ts";
import { parsePortRange } from "../../lib/network/port.ts";
import { machineOf, type MachineWords, stateOf, twoHosts } from "./_states.ts";

const state = stateOf(twoHosts, []);
const words = (machine: MachineWords) =>
  accessOf(state, machineOf("web", machine)).map(
    ({ who, what, why }) => `${who}: ${what} (${why})`,
  );
const here = "this host and its machines: every port (same bridge)";

describe("accessOf() says who may reach", () => {
  test.each<[string, MachineWords, string[]]>([
    [
      "a machine without rules",
      {},
      [
        here,
        "hostb and its machines: every port (allow trusted)",
        "hostc and its machines: every port (allow trusted)",
      ],
    ],
    ["a machine that allows nobody", { allow: [] }, [here]],
    [
      "a machine with rules of each kind",
      { allow: ["web@hostb", "hostc:22", "mesh:443/tcp"], expose: ["8000-8010/udp"] },
      [
        here,
        "web of hostb: every port (allow web@hostb)",
        "hostc and its machines: 22/tcp (allow hostc:22/tcp)",
        "every node of the mesh: 443/tcp (allow mesh:443/tcp)",
        "everybody: 8000-8010/udp (expose 8000-8010/udp)",
      ],
    ],
    [
      "a machine whose rules name this host, or nobody",
      { allow: ["hosta", "a@hosta", "nobody"] },
      [here],
    ],
    [
      "a machine with published ports",
      { allow: [], publish: ["8080:80", "127.0.0.1:53:53/udp"] },
      [
        here,
        "whoever reaches this host, but strangers of the mesh: 80/tcp (publish 8080:80)",
        "programs of this host: 53/udp (publish 127.0.0.1:53:53/udp)",
      ],
    ],
    [
      "a machine without a network",
      { network: { kind: "private" }, publish: ["90:90"] },
      ["whoever reaches this host, but strangers of the mesh: 90/tcp (publish 90:90)"],
    ],
    [
      "a machine in the host's network",
      { network: { kind: "host" } },
      ["everybody who reaches this host: every port (template host)"],
    ],
    [
      "a machine on the uplink",
      { network: { kind: "macvlan", parent: "eth0" } },
      ["everybody on its network: every port (template macvlan)"],
    ],
  ])("%s", (_, machine, expected) => expect(words(machine)).toEqual(expected));
});

test("peersOf() gives a host that is known by its prefix alone the /64 of its own address too", () => {
  expect(peersOf(state, parseAccessRule("hostc"))).toEqual([
    { kind: "network", prefix: 0x0200aaaabbbbccccn << 64n },
    { kind: "network", prefix: 0x0300aaaabbbbccccn << 64n },
  ] as never);
});

test.each([
  ["80", "80", true],
  ["80", "80/udp", false],
  ["80-90", "85", true],
  ["80-90", "85-91", false],
  [undefined, "1/udp", true],
] as const)("coversPort(): %s opens %s: %p", (range, port, isOpen) => {
  expect(
    coversPort(range === undefined ? undefined : parsePortRange(range), parsePortRange(port)),
  ).toBe(isOpen);
});

describe("requireKnownHosts()", () => {
  const require = (...rules: string[]) =>
    requireKnownHosts(state, "db", rules.map(parseAccessRule));

  test("takes the hosts of config.toml, this host, and those without a name", () => {
    expect(() =>
      require("hostb", "web@hostc", "hosta", "web@hosta", "mesh", "trusted"),
    ).not.toThrow();
  });

  test("names the rule, the machine and the host that is not known", () => {
    expect(() => require("hostb", "web@hostd:80")).toThrow(
      'Cannot allow "web@hostd:80/tcp" for the machine "db": config.toml has no host "hostd"',
    );
  });
});
