/**
 * Devices of the host that a machine may use: `--device`, `[[devices]]`.
 *
 * @module
 */

import { usageError } from "../errors.ts";

export interface Device {
  /** A node of the host: `/dev/fuse`; or a class for DeviceAllow= alone: `char-ttyUSB` (systemd.resource-control(5)). */
  readonly source: string;
  /** Where it is in the machine; a class has no place. */
  readonly target: string | undefined;
  /** Of `r`, `w` and `m`: read, write, make nodes. */
  readonly access: string;
  /** What a node that is not there at the start means. */
  readonly ifAbsent: "fail" | "skip";
}

/**
 * Reads podman's `--device HOST[:MACHINE][:rwm]`, or a class `char-…`, `block-…`.
 *
 * @throws {MbctlError} (usage)
 */
export function parseDevice(text: string): Device {
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const access = parts.length > 1 && isAccess(last) ? (parts.pop() ?? "") : "rwm";
  const [source = "", target = source, ...rest] = parts;
  const wrong = rest.length > 0 ? "it has too many parts" : whyNoDevice(source, target, access);
  if (wrong !== undefined) {
    throw usageError(
      `Cannot use the device ${JSON.stringify(text)}: ${wrong}`,
      "write /dev/NODE[:/dev/IN-THE-MACHINE][:rwm], char-CLASS or block-CLASS",
    );
  }
  const isClass = !source.startsWith("/");
  return { source, target: isClass ? undefined : target, access, ifAbsent: "fail" };
}

/** Why a device cannot be; undefined for one that can. */
export function whyNoDevice(
  source: string,
  target: string | undefined,
  access: string,
): string | undefined {
  if (!isAccess(access)) return `${JSON.stringify(access)} is not made of r, w and m`;
  if (/^(char|block)-[A-Za-z0-9*_.-]+$/.test(source)) {
    return target === undefined || target === source ? undefined : "a class has no place";
  }
  // systemd's DeviceAllow= takes nodes below /dev alone, without spaces; and a path with .. is none.
  const isNode = (path: string) => /^\/dev\/[^\s%\\"':]+$/.test(path) && !path.includes("/..");
  if (!isNode(source)) return `${JSON.stringify(source)} is no node below /dev, nor a class`;
  return target === undefined || isNode(target)
    ? undefined
    : `${JSON.stringify(target)} is no node below /dev`;
}

function isAccess(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}
