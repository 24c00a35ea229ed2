/**
 * A machine as it lies on disk: what of it is missing.
 *
 * @module
 */

import type { Ipv6 } from "../address/ipv6.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { machineUnit } from "../spec/machine_name.ts";
import { type Finding, found, ok } from "./finding.ts";

export interface MachineFiles {
  readonly name: MachineName;
  /** Why machine.toml or the env file cannot be read. */
  readonly problem?: string | undefined;
  /** Paths of files and folders that are not there. */
  readonly missing: readonly string[];
  readonly links: readonly LinkFact[];
  /** Work that was begun and not ended, and the process that is at it now. */
  readonly pending?: {
    readonly work: "pull" | "remove" | "change";
    readonly holder?: number | undefined;
  };
  /** It has volumes in volumes, and its unit does not look for links there: it was made before mbctl did. */
  readonly lacksVolumeGuard?: boolean;
  /** What of the host it binds, and is not there. */
  readonly missingSources?: readonly { readonly path: string; readonly target: string }[];
  /** What its env file gives it; undefined without one. */
  readonly address: Ipv6 | undefined;
  /** The same for its unique local address. */
  readonly ula: Ipv6 | undefined;
  /** Whether it is plugged into the bridge, for one that runs. */
  readonly plug?: { readonly interface: string; readonly isPlugged: boolean } | undefined;
}

/** A link that a machine needs. */
export interface LinkFact {
  readonly path: string;
  readonly target: string;
  /** What it points to; undefined: it is not there, or is no link. */
  readonly actual: string | undefined;
}

/** Says whether a machine is whole; one finding, the first of what is wrong. */
export function evaluateFiles(machine: MachineFiles, check: string): Finding {
  const { name, problem, missing, links, pending } = machine;
  if (pending?.holder !== undefined) {
    return found("note", check, `${name}: process ${pending.holder} is at its ${pending.work}`);
  }
  if (pending !== undefined) {
    const state = `${name}: its ${pending.work} was not ended`;
    return found("wrong", check, state, `mbctl machines remove ${name}`);
  }
  if (problem !== undefined) return found("wrong", check, problem, "mend the file");
  const [gone] = missing;
  if (gone !== undefined) {
    const rest = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
    const mend = `copy its data away, then mbctl machines remove ${name}, and pull it again`;
    return found("missing", check, `${name}: ${gone}${rest}`, mend);
  }
  const broken = links.find(({ target, actual }) => actual !== target);
  if (broken !== undefined) {
    const { path, target, actual } = broken;
    const state = actual === undefined ? "no link" : `a link to ${actual}`;
    return found(
      actual === undefined ? "missing" : "wrong",
      check,
      `${name}: ${path} is ${state}`,
      `ln -sfnT ${target} ${path}`,
    );
  }
  const [source] = machine.missingSources ?? [];
  if (source !== undefined) {
    const state = `${name}: ${source.path}, which it has at ${source.target}, is not there`;
    return found("missing", check, state, `make it, or take it out: mbctl machines edit ${name}`);
  }
  if (machine.lacksVolumeGuard === true) {
    const state = `${name}: a volume lies in another, and its unit does not look for links there`;
    return found("warning", check, state, `mbctl machines apply ${name}`);
  }
  return ok(check, `${name}: root tree, configuration and links are there`);
}

/** Says whether a running machine hangs on the bridge. */
export function evaluatePlug(machine: MachineFiles, bridge: string): Finding[] {
  const { name, plug } = machine;
  if (plug === undefined || plug.isPlugged) return [];
  return [
    found(
      "wrong",
      "machines",
      `${machineUnit(name)} runs, but ${plug.interface} is not plugged into ${bridge}`,
      `ip link set ${plug.interface} master ${bridge} up`,
    ),
  ];
}
