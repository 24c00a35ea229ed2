/**
 * A machine on its way from another program's words to ours, and what was said on the way.
 *
 * @module
 */

import type { HealthCheck } from "../spec/health_check.ts";
import type { MachineName } from "../spec/machine_name.ts";
import {
  type AppChoices,
  defaultAppChoices,
  defaultChoices,
  type MachineDeclaration,
  type Volume,
} from "../spec/machine_spec.ts";
import type { Limits } from "../spec/limits.ts";
import { noRestart } from "../spec/restart_policy.ts";
import type { PublishedPort } from "../network/published_port.ts";
import { usageError } from "../errors.ts";

/** What a person has to know of an option. */
export interface Remark {
  /** "unsupported": it is lost, or not wholly kept. "note": nothing is lost, it is so anyway. */
  readonly kind: "unsupported" | "note";
  /** As it was written: `--dns 1.1.1.1`, `services.web.build`. */
  readonly option: string;
  /** Why, and what to do instead. */
  readonly reason: string;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type MutableLists<T> = {
  -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key];
};

/** What podman has no word for. */
type SystemKey = "mode" | "os" | "apps" | "lend" | "connectors";

/** The choices so far; converters write to it. */
export interface Draft {
  readonly app: MutableLists<
    Omit<AppChoices, "labels" | "limits" | "capabilities" | "health" | SystemKey>
  >;
  readonly environment: Map<string, string>;
  readonly labels: Map<string, string>;
  readonly volumes: Volume[];
  /** Names of podman's volumes: other containers may have them too. */
  readonly namedVolumes: string[];
  readonly publish: PublishedPort[];
  readonly limits: Mutable<Limits>;
  readonly capabilities: { readonly add: string[]; readonly drop: string[] };
  health: "none" | { -readonly [Key in keyof HealthCheck]?: HealthCheck[Key] };
  /** Microseconds: `--cpu-quota` and `--cpu-period`, which make a number of processors together. */
  cpuQuota: number | undefined;
  cpuPeriod: number | undefined;
  /** `--read-only-tmpfs=false` was not given. */
  hasReadOnlyTmpfs: boolean;
  template: string;
  readonly remarks: Remark[];
}

/** A draft in which nothing is chosen. */
export function newDraft(): Draft {
  return {
    app: { restart: noRestart, depends: [], isReadOnly: false, devices: [], secrets: [] },
    environment: new Map(),
    labels: new Map(),
    volumes: [],
    namedVolumes: [],
    publish: [],
    limits: {},
    capabilities: { add: [], drop: [] },
    health: {},
    cpuQuota: undefined,
    cpuPeriod: undefined,
    hasReadOnlyTmpfs: true,
    template: defaultChoices.template,
    remarks: [],
  };
}

/** Notes an option that has no equivalent, or not a whole one. */
export function unsupported(draft: Draft, option: string, reason: string): void {
  draft.remarks.push({ kind: "unsupported", option, reason });
}

/** Notes an option of which nothing is lost. */
export function note(draft: Draft, option: string, reason: string): void {
  draft.remarks.push({ kind: "note", option, reason });
}

/**
 * Adds a volume.
 *
 * @throws {MbctlError} (usage) when there is one at the path already.
 */
export function addVolume(draft: Draft, volume: Volume): void {
  if (draft.volumes.some(({ path }) => path === volume.path)) {
    throw usageError(
      `Cannot put two volumes at ${JSON.stringify(volume.path)}`,
      "leave one of them out",
    );
  }
  draft.volumes.push(volume);
}

/**
 * How the program runs, as machine.toml keeps it.
 *
 * @throws {MbctlError} (usage) for a share of the processors that cannot be.
 */
export function appChoices(draft: Draft): AppChoices {
  const { app, labels, limits, capabilities, health, cpuQuota, cpuPeriod } = draft;
  // The kernel's period where none is given: 100 ms (podman-run(1), --cpu-period).
  const quota = cpuQuota === undefined ? undefined : cpuQuota / (cpuPeriod ?? 100_000);
  const cpus = limits.cpus ?? quota;
  if (cpus !== undefined && (cpus < 0.01 || cpus > 8192)) {
    throw usageError(`Cannot limit a machine to ${cpus} processors: it is not from 0.01 to 8192`);
  }
  return {
    ...defaultAppChoices,
    ...app,
    labels: Object.fromEntries(labels),
    limits: { ...limits, ...(cpus === undefined ? {} : { cpus }) },
    capabilities,
    ...(health === "none" || Object.keys(health).length > 0 ? { health } : {}),
  };
}

/** The draft as a declaration: where the network has no bridge, published ports are taken out and said. */
export function finishDraft(
  draft: Draft,
  name: MachineName,
  reference: string,
): MachineDeclaration {
  const isBridged = draft.template === defaultChoices.template;
  if (!isBridged && draft.publish.length > 0) {
    const why =
      draft.template === "host"
        ? "the machine has the host's network: its ports are the host's already"
        : "the machine has no network";
    unsupported(draft, "published ports", why);
  }
  if (draft.cpuPeriod !== undefined && draft.cpuQuota === undefined) {
    unsupported(draft, "the period of the CPU quota", "it means nothing without a quota");
  }
  return {
    ...defaultChoices,
    ...appChoices(draft),
    name,
    template: draft.template,
    image: { reference },
    environment: [...draft.environment],
    volumes: draft.volumes,
    publish: isBridged ? draft.publish : [],
  };
}
