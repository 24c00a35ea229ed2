/** A host that has packages alone, for the tests of plans. */

import { parsePrefix } from "../../lib/address/ipv6.ts";
import { forwardingFile, resolverFile } from "../../lib/network/host_bridge.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { networkd } from "../../lib/setup/networkd.ts";
import {
  type FilePlan,
  planSetup,
  resolvedUnit,
  type SetupInput,
  yggdrasilUnit,
} from "../../lib/setup/plan_setup.ts";
import type { FileState, SetupFacts } from "../../lib/setup/record.ts";
import type { UnitFacts } from "../../lib/setup/units.ts";

export const network = { ...defaultHostNetworks, prefix: parsePrefix("300:1:2:3::/64") };
export const yggdrasilFile = "/etc/yggdrasil/yggdrasil.conf";

/** A file of root's with this text. */
export function file(text: string, mode = 0o644): FileState {
  return { content: Buffer.from(text).toString("base64"), mode, owner: 0, group: 0 };
}

/** A unit, as installed and running unless said otherwise. */
export function unit(change: Partial<UnitFacts> = {}): UnitFacts {
  const usual = { isThere: true, isMasked: false, isEnabled: true, isActive: true };
  return { ...usual, command: "", group: "", ...change };
}

/** All files of a set-up, none of them there. */
export function wantedFiles(): FilePlan[] {
  const files = [
    ...networkd.files(network),
    resolverFile(network),
    forwardingFile(network, []),
    { path: yggdrasilFile, text: "{ key }", mode: 0o640, group: 101 },
  ];
  return files.map((wanted) => ({ wanted, present: undefined }));
}

/** Debian as it comes: networkd and resolved run, yggdrasil does not. */
export function input(change: Partial<SetupInput> = {}): SetupInput {
  return {
    backend: networkd,
    network,
    uplinks: [],
    files: wantedFiles(),
    settings: [
      { key: "net/ipv4/ip_forward", wanted: "1", present: "0" },
      { key: "net/ipv6/conf/all/forwarding", wanted: "1", present: "1" },
    ],
    units: new Map([
      ["systemd-networkd.service", unit()],
      ["systemd-networkd-wait-online.service", unit({ isEnabled: false, isActive: false })],
      [resolvedUnit, unit()],
      [yggdrasilUnit, unit({ isEnabled: false, isActive: false })],
    ]),
    yggdrasilFile,
    isKeyNew: true,
    canAskYggdrasil: true,
    hasBridge: false,
    isBridgeUp: false,
    isDerived: false,
    isFirewalldActive: false,
    tables: ["inet filter"],
    folders: ["/etc/yggdrasil", "/var/lib/mbctl"],
    record: { schema: 1 },
    ...change,
  };
}

/** What setup.json says after a set-up of {@linkcode input}. */
export function doneFacts(change: Partial<SetupInput> = {}): SetupFacts {
  return planSetup(input(change)).begun;
}
