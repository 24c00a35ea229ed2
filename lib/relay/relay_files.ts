/**
 * All units of relays and published ports.
 *
 * @module
 */

import { machineAddress } from "../address/machine_address.ts";
import { machinePaths } from "../paths.ts";
import type { DerivedFile, HostMachine, HostState } from "../network/host_state.ts";
import { formatUnitFile, unitComment, unitEntry, unitSection } from "../nspawn/unit_file.ts";
import { renderNetnsUnit } from "./netns_unit.ts";
import { renderPublishService, renderPublishSocket } from "./publish_units.ts";
import { renderRelayService, renderRelaySocket } from "./relay6_units.ts";
import type { RelayTools } from "./relay_service.ts";
import { netnsUnit, publishUnit, relayUnit, watcherUnit } from "./unit_names.ts";
import { renderWatcherUnit, watcherScript } from "./watcher_unit.ts";

/** The drop-in by which a machine's relays start with it, beside `50-mbctl.conf`. */
export const relayDropInName = "60-mbctl-relay.conf";

/** Where a machine's drop-in lies. */
function dropInPath({ spec }: HostMachine): string {
  return `${machinePaths("/", spec.name).unitDropInFolder}/${relayDropInName}`;
}

/** The units that start with a machine: the sockets of its published ports, and the watcher of its relays. */
export function wantedUnits({ spec, template }: HostMachine): string[] {
  const { kind } = template.network;
  // On the host's own network nothing stands between the app and its port.
  if (kind === "host") return [];
  return [
    ...spec.publish.map((port) => `${publishUnit(spec.name, port)}.socket`),
    ...(hasRelay6({ spec, template }) ? [watcherUnit(spec.name)] : []),
  ];
}

/** Only on the bridge has a machine a mesh address. */
function hasRelay6({ spec, template }: HostMachine): boolean {
  return template.network.kind === "bridge" && spec.relay6.length > 0;
}

/** All units and drop-ins in /etc/systemd/system that a host's machines want for relays and published ports. */
export function relayFiles(state: HostState, tools: RelayTools): DerivedFile[] {
  const files = state.machines.flatMap((machine) => machineFiles(machine, state, tools));
  const isWatched = state.machines.some(hasRelay6);
  return isWatched ? [watcherScript, ...files] : files;
}

function machineFiles(machine: HostMachine, state: HostState, tools: RelayTools): DerivedFile[] {
  const { spec } = machine;
  const wanted = wantedUnits(machine);
  if (wanted.length === 0) return [];
  const file = (path: string, text: string): DerivedFile => ({ path, text, mode: 0o644 });
  const unit = (name: string, text: string) => file(`/etc/systemd/system/${name}`, text);
  const dropIn = formatUnitFile([
    unitComment(
      "Rendered by mbctl from machine.toml: what is relayed to the machine starts with it.",
    ),
    unitSection("Unit"),
    unitEntry("Wants", wanted.join(" ")),
  ]);
  const published = spec.publish.flatMap((port) => [
    unit(`${publishUnit(spec.name, port)}.socket`, renderPublishSocket(machine, port)),
    unit(`${publishUnit(spec.name, port)}.service`, renderPublishService(machine, port, tools)),
  ]);
  return [
    file(dropInPath(machine), dropIn),
    unit(netnsUnit(spec.name), renderNetnsUnit(spec.name)),
    ...published,
    ...(hasRelay6(machine) ? relays(machine, state, tools, unit) : []),
  ];
}

function relays(
  machine: HostMachine,
  state: HostState,
  tools: RelayTools,
  unit: (name: string, text: string) => DerivedFile,
): DerivedFile[] {
  const { name, relay6 } = machine.spec;
  const address = machineAddress(name, state.network.prefix);
  const kinds = new Map(relay6.map((relay) => [relayUnit(name, relay), relay]));
  return [
    unit(watcherUnit(name), renderWatcherUnit(name, address, relay6)),
    ...[...kinds].flatMap(([prefix, kind]) => [
      unit(`${prefix}.socket`, renderRelaySocket(machine, address, kind)),
      unit(`${prefix}.service`, renderRelayService(machine, kind, tools)),
    ]),
  ];
}
