import { describe, expect, test } from "bun:test";
import { renderFirewall } from "../../lib/firewall/render_firewall.ts";
import { expectGolden } from "../golden/golden.ts";
import { machineOf, stateOf, twoHosts } from "./_states.ts";

describe("renderFirewall() gives the golden script for", () => {
  test("a host without machines, that trusts nobody", () => {
    expectGolden(
      "firewall/empty.nft",
      renderFirewall({ ...stateOf({}, []), machineId: undefined }),
    );
  });

  test("a host with machines of all kinds", () => {
    const machines = [
      machineOf("web", { publish: ["8080:80", "127.0.0.1:8443:443"], ipv4: "10.199.0.17" }),
      machineOf("db", { allow: ["web@hostb", "hostc", "mesh:443/tcp"], expose: ["8000-8010/udp"] }),
      machineOf("a-long-name.of-a-machine", {
        allow: ["hosta", "nobody", "hostb:80"],
        expose: ["53/udp"],
        publish: ["192.0.2.1:53:53/udp", "[2001:db8::1]:80:80", "[::1]:81:80"],
        ipv4: "10.199.0.18",
      }),
      machineOf("closed", { allow: [] }),
      machineOf("machines", { allow: ["trusted:22"] }),
      machineOf("shares", { network: { kind: "host" }, expose: ["80"] }),
      machineOf("alone", { network: { kind: "private" }, publish: ["9000:90"] }),
      machineOf("outside", { network: { kind: "macvlan", parent: "eth0" } }),
    ];
    expectGolden("firewall/many.nft", renderFirewall(stateOf(twoHosts, machines)));
  });
});

test("renderFirewall() refuses a bridge whose name nft would read as something else", () => {
  for (const bridge of ["br*", 'br"', "br\\", "br 0", "-br", "-", "brü", ""]) {
    const state = stateOf({}, []);
    expect(() => renderFirewall({ ...state, network: { ...state.network, bridge } })).toThrow(
      "as the name of an interface",
    );
  }
});
