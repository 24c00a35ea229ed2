/**
 * What a machine of somebody else's archive would get of this host: shown before it is made. Pure.
 *
 * @module
 */

import { formatPortRange } from "../network/port.ts";
import { formatPublishedPort } from "../network/published_port.ts";
import type { NetworkKind } from "../network/template.ts";
import { parseUnitFile, unitEntries } from "../nspawn/unit_file.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

/** A file that its administrator may have edited, and what mbctl renders of it here. */
export interface EditedFile {
  /** What it is called for people. */
  readonly name: string;
  readonly text: string;
  /** Undefined for a file that mbctl does not render. */
  readonly rendered?: string | undefined;
}

/** One line for each thing that reaches beyond the machine itself; none for a machine that asks for nothing. */
export function askedOfHost(
  spec: MachineSpec,
  connection: NetworkKind,
  files: readonly EditedFile[],
): string[] {
  return [
    ...spec.volumes.flatMap((volume) =>
      volume.kind === "host"
        ? [
            `the host's folder ${volume.source} at ${volume.path}${volume.isReadOnly === true ? ", to read" : ""}`,
          ]
        : [],
    ),
    ...spec.devices.map(({ source }) => `the host's device ${source}`),
    ...spec.capabilities.add.map((name) => `the capability CAP_${name}`),
    ...spec.connectors.map((name) => `the commands that the machine ${name} lends`),
    ...networkOf(connection),
    ...spec.publish.map(
      (port) => `a port of the host that leads to it: ${formatPublishedPort(port)}`,
    ),
    ...spec.expose.map((range) => `everybody may connect to its port ${formatPortRange(range)}`),
    ...spec.allow.flatMap(({ from }) =>
      from.kind === "mesh" ? ["everybody on the mesh may connect to it"] : [],
    ),
    ...files.flatMap(editsOf),
  ];
}

function networkOf(connection: NetworkKind): string[] {
  if (connection.kind === "host") return ["the host's own network, with all its ports"];
  if (connection.kind !== "macvlan") return [];
  return [`an address of its own on the network of ${connection.parent ?? "the default route"}`];
}

/** Variables are the program's alone; what else a line says may mean anything to the host. */
function editsOf({ name, text, rendered }: EditedFile): string[] {
  const lines = (of: string) =>
    unitEntries(parseUnitFile(of)).map(({ section, key, value }) => ({
      line: `[${section}] ${key}=${value}`,
      isVariable: section === "Exec" && key === "Environment",
    }));
  const known = new Set(lines(rendered ?? "").map(({ line }) => line));
  return lines(text)
    .filter(({ line, isVariable }) => !isVariable && !known.has(line))
    .map(({ line }) => `${name}: ${line}`);
}
