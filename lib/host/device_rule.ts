/**
 * What an administrator may want to know of a device that a machine is given: who may open it on the host, and how to
 * change that.
 *
 * @module
 */

import { readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Device } from "../spec/device.ts";
import { classRule, type NodeFacts, nodeRule } from "../spec/udev_rule.ts";
import { isErrno, readTextIfPresent } from "./files.ts";

const file = "/etc/udev/rules.d/70-mbctl.rules";

/** One sentence for each device whose group and mode on the host are of interest: not for one that everybody may open. */
export function describeDeviceRules(devices: readonly Device[]): string[] {
  return devices.flatMap(({ source }) => {
    if (!source.startsWith("/")) {
      return [
        `${source} is a class: the machine may use its devices, and gets no node of them; for another group or mode on the host, write to ${file}: ${classRule(source)}`,
      ];
    }
    const facts = readNode(source);
    if (facts === undefined || (facts.mode & 0o666) === 0o666) return [];
    const mode = facts.mode.toString(8).padStart(4, "0");
    return [
      `${source} in the machine is a node of its own, which everybody there may open; on the host it has the group ${facts.group} and mode ${mode}: for others, write to ${file}: ${nodeRule(facts)}`,
    ];
  });
}

/** Undefined where there is no device. */
function readNode(path: string): NodeFacts | undefined {
  const entry = statSync(path, { throwIfNoEntry: false });
  const kind = entry?.isBlockDevice() === true ? "block" : "char";
  if (entry === undefined || !(entry.isBlockDevice() || entry.isCharacterDevice()))
    return undefined;
  // As makedev(3) packs them, for numbers that are in use.
  const [major, minor] = [
    (entry.rdev >> 8) & 0xfff,
    (entry.rdev & 0xff) | ((entry.rdev >> 12) & 0xfff00),
  ];
  const known = readTextIfPresent(`/run/udev/data/${kind[0]}${major}:${minor}`) ?? "";
  return {
    name: path.replace(/^\/dev\//, ""),
    subsystem: subsystemOf(`/sys/dev/${kind}/${major}:${minor}/subsystem`),
    properties: Object.fromEntries(
      [...known.matchAll(/^E:([A-Z0-9_]+)=(.*)$/gm)].map(([, key = "", value = ""]) => [
        key,
        value,
      ]),
    ),
    group: groupName(entry.gid),
    mode: entry.mode & 0o7777,
  };
}

function subsystemOf(link: string): string | undefined {
  try {
    return basename(readlinkSync(link));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function groupName(gid: number): string {
  const line = new RegExp(`^([^:\\n]+):[^:]*:${gid}:`, "m").exec(
    readTextIfPresent("/etc/group") ?? "",
  );
  return line?.[1] ?? String(gid);
}
