import { describe, expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import type { DerivedFile, HostMachine, HostState } from "../../lib/network/host_state.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { parseRelayPort } from "../../lib/network/relay_port.ts";
import type { NetworkKind } from "../../lib/network/template.ts";
import { relayFiles, wantedUnits } from "../../lib/relay/relay_files.ts";
import { relayMachine } from "../../lib/relay/unit_names.ts";
import { expectGolden } from "../golden/golden.ts";

const tools = {
  socketProxyd: "/usr/lib/systemd/systemd-socket-proxyd",
  ownRelay: ["/usr/local/bin/mbctl", "--mbctl-internal=relay"],
};

interface Words {
  readonly publish?: readonly string[];
  readonly relay6?: readonly string[];
  readonly network?: NetworkKind;
}

function machine(name: string, words: Words = {}): HostMachine {
  const { publish = [], relay6 = [], network = { kind: "bridge" } } = words;
  const spec: MachineSpec = {
    name: parseMachineName(name),
    ...defaultChoices,
    publish: publish.map(parsePublishedPort),
    relay6: relay6.map(parseRelayPort),
    image: { reference: "docker.io/library/x:latest", digest: "", manifestDigest: "" },
    environment: [],
    volumes: [],
  };
  return { spec, template: { name: network.kind, summary: "", network } };
}

function files(...machines: HostMachine[]): DerivedFile[] {
  const state: HostState = {
    hostName: "hosta",
    network: { ...defaultHostNetworks, prefix: parsePrefix("300:2e98:a4b0:1789::/64") },
    domain: "mesh.internal",
    trusted: [],
    imported: new Map(),
    machines,
  };
  return relayFiles(state, tools);
}

const names = (found: readonly DerivedFile[]) =>
  found.map(({ path }) => path.replace("/etc/systemd/system/", ""));

/** All files of a machine as one text. */
function joined(found: readonly DerivedFile[]): string {
  return found.map(({ path, text }) => `==> ${path} <==\n${text}\n`).join("");
}

describe("relayFiles()", () => {
  test("a machine that relays its IPv4 ports, by both programs", () => {
    const found = files(
      machine("TestBWContainer3", { relay6: ["auto", "443+proxy", "53/udp", "514/udp+proxy"] }),
    ).filter(({ path }) => !path.endsWith(".sh"));
    expectGolden("relay/relay6.txt", joined(found));
  });

  test("a machine with published ports", () => {
    const ports = ["8080:80", "127.0.0.1:8081:80", "[::1]:5353:53/udp"];
    expectGolden("relay/publish.txt", joined(files(machine("web-1.x", { publish: ports }))));
  });

  test("a machine in no network is reached over its loopback", () => {
    const words = { publish: ["8080:80"], relay6: ["auto"], network: { kind: "private" } } as const;
    const found = files(machine("web", words));
    expect(names(found)).toEqual([
      "systemd-nspawn@web.service.d/60-mbctl-relay.conf",
      "mbctl-netns_web.service",
      "mbctl-publish_web_8080.socket",
      "mbctl-publish_web_8080.service",
    ]);
    expect(found.at(-1)?.text).toContain("a=127.0.0.1; ");
  });

  test("nothing for a machine that wants none, nor on the host's own network", () => {
    const words = { publish: ["8080:80"], relay6: ["80"], network: { kind: "host" } } as const;
    expect(files(machine("web"), machine("on-host", words))).toEqual([]);
  });

  test("the watchers' script is there once, and only where a machine is watched", () => {
    const [one, two] = ["one", "two"].map((name) => machine(name, { relay6: ["80"] }));
    const scripts = (found: readonly DerivedFile[]) =>
      names(found).filter((name) => name.endsWith(".sh"));
    expect(scripts(files(one as HostMachine, two as HostMachine))).toEqual([
      "/var/lib/mbctl/watch_ports.sh",
    ]);
    expect(scripts(files(machine("web", { publish: ["8080:80"] })))).toEqual([]);
  });

  test("every unit is known as its machine's; what a machine wants is among them", () => {
    const all = machine("web-1.x", {
      publish: ["8080:80", "1.2.3.4:5353:53/udp", "[fe80::1]:1:2"],
      relay6: ["auto", "auto+proxy", "53/udp", "54/udp+proxy"],
    });
    const units = names(files(all)).filter((name) => /^mbctl-/.test(name));
    expect(units.length).toBe(1 + 6 + 1 + 8);
    expect(units.map(relayMachine)).toEqual(units.map(() => parseMachineName("web-1.x")));
    expect(wantedUnits(all).filter((unit) => !units.includes(unit))).toEqual([]);
  });
});
