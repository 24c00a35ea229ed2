/**
 * Devices of the host in a machine's unit.
 *
 * A node of /dev cannot be bound as it is: its owner is nobody in the machine's user namespace, so only a node of
 * mode 0666 could be opened, and devtmpfs has no id-mapped mounts. So the unit makes nodes of its own, 0666, on a
 * tmpfs that only root of the host can reach, and nspawn binds these. What may be done with them is for
 * DeviceAllow= to say: the stock unit has DevicePolicy=closed.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { Device } from "../spec/device.ts";
import { execShell } from "./exec_shell.ts";
import { type UnitItem, unitComment, unitEntry } from "./unit_file.ts";

/** Where the unit of a machine keeps its nodes. */
function deviceFolder(machine: string): string {
  return `/run/mbctl/devices/${machine}`;
}

/** A device that has a node, and the node that nspawn binds. */
export interface DeviceNode {
  readonly device: Device;
  /** On the host. */
  readonly source: string;
  /** In the machine. */
  readonly target: string;
}

/** The nodes of a machine: a class has none. */
export function deviceNodes(machine: string, devices: readonly Device[]): DeviceNode[] {
  return devices.flatMap((device, index) =>
    device.target === undefined
      ? []
      : [{ device, source: `${deviceFolder(machine)}/${index}`, target: device.target }],
  );
}

/** The lines of `[Service]` that make the nodes and let the machine use them. */
export function deviceItems(devices: readonly Device[]): UnitItem[] {
  if (devices.length === 0) return [];
  const nodes = deviceNodes("%i", devices);
  return [
    unitComment("What the machine may do with the devices of the host that it was given."),
    ...devices.map(({ source, access }) =>
      // The nodes are made in this unit's cgroup: with "m". A machine's own user namespace may make none.
      unitEntry("DeviceAllow", `${source} ${access.includes("m") ? access : `${access}m`}`),
    ),
    ...(nodes.length === 0
      ? []
      : [
          unitComment(
            `Nodes of the machine's own, which it may open; a device that is not there and may be left out becomes a
node that says ENXIO.`,
          ),
          unitEntry("ExecStartPre", execShell(makeNodes(nodes), "mbctl-devices")),
        ]),
  ];
}

/** The line of `[Service]` that takes the nodes away. */
export function deviceCleanUp(devices: readonly Device[]): UnitItem[] {
  if (deviceNodes("%i", devices).length === 0) return [];
  const script = [
    `umount -l ${deviceFolder("%i")} 2>/dev/null`,
    `rmdir ${deviceFolder("%i")} 2>/dev/null`,
    "exit 0",
  ];
  return [unitEntry("ExecStopPost", execShell(script, "mbctl-devices"))];
}

function makeNodes(nodes: readonly DeviceNode[]): string[] {
  const folder = deviceFolder("%i");
  return [
    // Of a start that was killed.
    `umount -l ${folder} 2>/dev/null`,
    `mkdir -p ${folder} && mount -t tmpfs -o mode=0700,nosuid,noexec,size=64k mbctl ${folder} || exit`,
    `node() { if [ -c $1 ] || [ -b $1 ]; then cp -RL $1 $2 && chmod 0666 $2; ` +
      `elif [ $3 = skip ]; then echo "mbctl: the device $1 is not there, starting without it" >&2; mknod -m 0666 $2 c 0 0; ` +
      `else echo "mbctl: cannot start the machine: its device $1 is not there; plug it in, or say if_absent = skip in machine.toml" >&2; false; fi; }`,
    nodes
      .map(({ device, source }) => `node ${shellPath(device.source)} ${source} ${device.ifAbsent}`)
      .join(" && "),
  ];
}

/** The path becomes part of a shell script. */
function shellPath(path: string): string {
  if (/^[A-Za-z0-9_@.,+=/-]+$/.test(path)) return path;
  throw usageError(
    `Cannot use the device ${JSON.stringify(path)}: its name is not of letters, digits and "_@.,+=/-"`,
    "name another node of the same device",
  );
}
