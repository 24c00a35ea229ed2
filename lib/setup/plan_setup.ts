/**
 * The steps of `host setup`, of what is there and what is to be.
 *
 * @module
 */

import type { HostNetwork } from "../network/host_network.ts";
import { dnsFile } from "../network/host_bridge.ts";
import type { Backend } from "./backend.ts";
import type { WantedFile } from "./file_state.ts";
import { firewalldFiles, reloadFirewalld } from "./firewalld.ts";
import {
  type FileState,
  joinFacts,
  recordNetwork,
  type SetupFacts,
  type SetupRecord,
} from "./record.ts";
import type { SetupStep } from "./setup_step.ts";
import type { UnitFacts } from "./units.ts";

export const resolvedUnit = "systemd-resolved.service";
export const yggdrasilUnit = "yggdrasil.service";

/** A file that is to be there, beside what is there. */
export interface FilePlan {
  readonly wanted: WantedFile;
  readonly present: FileState | undefined;
}

/** One of the kernel's settings, by its path below /proc/sys. */
export interface SettingPlan {
  readonly key: string;
  readonly wanted: string;
  readonly present: string;
}

export interface SetupInput {
  readonly backend: Backend;
  readonly network: HostNetwork;
  readonly uplinks: readonly string[];
  readonly files: readonly FilePlan[];
  readonly settings: readonly SettingPlan[];
  readonly units: ReadonlyMap<string, UnitFacts>;
  /** yggdrasil's configuration; whether setup makes it. */
  readonly yggdrasilFile: string;
  readonly isKeyNew: boolean;
  /** Whether yggdrasil answers questions when it runs. */
  readonly canAskYggdrasil: boolean;
  readonly hasBridge: boolean;
  /** Whether the bridge has its addresses. */
  readonly isBridgeUp: boolean;
  /** Whether firewall and names are as they are to be. */
  readonly isDerived: boolean;
  readonly isFirewalldActive: boolean;
  readonly tables: readonly string[];
  /** Folders that are not there and will be. */
  readonly folders: readonly string[];
  readonly record: SetupRecord;
}

export interface SetupPlan {
  /** Empty where there is nothing to do. */
  readonly steps: readonly SetupStep[];
  /** Files of others that will be changed. */
  readonly changed: readonly string[];
  /** What was there before; to be taken back should a step fail. */
  readonly begun: SetupFacts;
}

/** Plans a set-up. Without steps the host is set up already. */
export function planSetup(input: SetupInput): SetupPlan {
  const { network, record } = input;
  const files = input.files.filter(({ wanted, present }) => !hasText(present, wanted.text));
  const settings = input.settings.filter(({ wanted, present }) => wanted !== present);
  const written = new Set(files.map(({ wanted }) => wanted.path));
  const work: SetupStep[] = [
    ...files.map(writeStep),
    ...settings.map(({ key, wanted }) => ({ kind: "set-kernel", key, value: wanted }) as const),
    ...tellFirewalld(input, written),
    ...unitSteps(input, written),
  ];
  const isWhole = work.length === 0 && input.isBridgeUp && input.isDerived;
  const begun = foundFacts(input, files);
  const steps: SetupStep[] = isWhole
    ? []
    : [
        { kind: "write-record", record: { ...record, begun } },
        ...work,
        { kind: "wait-for-bridge", network },
        ...runs(input.backend.finish(network)),
        ...(input.canAskYggdrasil
          ? [{ kind: "wait-for-yggdrasil", prefix: network.prefix } as const]
          : []),
        { kind: "derive-host" },
        { kind: "write-record", record: { schema: 1, done: joinFacts(record.done, begun) } },
      ];
  const ours = new Map(record.done?.files.map((file) => [file.path, file.written]));
  const changed = files.flatMap(({ wanted, present }) =>
    present === undefined || ours.get(wanted.path) === digestOf(present) ? [] : [wanted.path],
  );
  return { steps, changed, begun };
}

/** SHA-256 of a file's bytes. */
export function digestOf({ content }: FileState): string {
  return new Bun.CryptoHasher("sha256").update(Buffer.from(content, "base64")).digest("hex");
}

function hasText(present: FileState | undefined, text: string): boolean {
  return present?.content === Buffer.from(text).toString("base64");
}

function stateAfter({ wanted, present }: FilePlan): FileState {
  const content = Buffer.from(wanted.text).toString("base64");
  if (present !== undefined && present.content !== "") return { ...present, content };
  return { content, mode: wanted.mode, owner: 0, group: wanted.group ?? 0 };
}

function writeStep(plan: FilePlan): SetupStep {
  return { kind: "write-file", path: plan.wanted.path, file: stateAfter(plan) };
}

function runs(commands: readonly (readonly string[])[]): SetupStep[] {
  return commands.map((words) => ({ kind: "run", words }));
}

/** Enables and starts what does not run, and tells what runs that its files have changed. */
function unitSteps(input: SetupInput, written: ReadonlySet<string>): SetupStep[] {
  const { backend, units, yggdrasilFile } = input;
  const start = (action: "start" | "restart", unit: string): SetupStep[] => [
    { kind: "start", action, unit },
  ];
  const restartIf = (file: string, unit: string) =>
    written.has(file) ? start("restart", unit) : [];
  const rows = [
    // One word is enough for all services of a backend.
    ...backend.units.map((unit, index) => ({
      unit,
      tell: index === 0 ? tellBackend(input, written) : [],
    })),
    ...(backend.isResolver ? [] : [{ unit: resolvedUnit, tell: restartIf(dnsFile, resolvedUnit) }]),
    { unit: yggdrasilUnit, tell: restartIf(yggdrasilFile, yggdrasilUnit) },
  ];
  return rows.flatMap(({ unit, tell }): SetupStep[] => {
    const now = units.get(unit);
    const isNewlyEnabled = now?.isEnabled === false;
    const unwanted = backend.units.includes(unit)
      ? backend.waitUnits.filter((beside) => isThereDisabled(units.get(beside)))
      : [];
    return [
      ...(isNewlyEnabled ? runs([["systemctl", "enable", unit]]) : []),
      ...(isNewlyEnabled && unwanted.length > 0
        ? runs([["systemctl", "disable", ...unwanted]])
        : []),
      ...(now?.isActive === true ? tell : start("start", unit)),
    ];
  });
}

function tellBackend(input: SetupInput, written: ReadonlySet<string>): SetupStep[] {
  const { backend, network, files, isBridgeUp } = input;
  const paths = new Set(backend.files(network).map(({ path }) => path));
  const wasThere = files.some(({ wanted, present }) => paths.has(wanted.path) && present);
  if (!isBridgeUp && wasThere) return runs(backend.repair(network));
  return [...written].some((path) => paths.has(path))
    ? runs(backend.reload(network, isBridgeUp))
    : [];
}

/** It has to know the bridge's zone before the bridge comes. */
function tellFirewalld(input: SetupInput, written: ReadonlySet<string>): SetupStep[] {
  const files = firewalldFiles(input.network.bridge);
  const isChanged = files.some(({ path }) => written.has(path));
  return input.isFirewalldActive && isChanged ? runs([reloadFirewalld]) : [];
}

function isThereDisabled(unit: UnitFacts | undefined): boolean {
  return unit?.isThere === true && !unit.isMasked && !unit.isEnabled;
}

function foundFacts(input: SetupInput, files: readonly FilePlan[]): SetupFacts {
  return {
    backend: input.backend.name,
    network: recordNetwork(input.network),
    uplinks: [...input.uplinks],
    ...(input.isKeyNew ? { keyFile: input.yggdrasilFile } : {}),
    hadBridge: input.hasBridge,
    tables: [...input.tables],
    files: files.map((plan) => ({
      path: plan.wanted.path,
      before: plan.present ?? null,
      written: digestOf(stateAfter(plan)),
    })),
    folders: [...input.folders],
    units: [...input.units]
      .filter(([, unit]) => unit.isThere)
      .map(([name, { isEnabled, isActive }]) => ({ name, isEnabled, isActive })),
    settings: input.settings.map(({ key, present }) => ({ key, value: present })),
  };
}
