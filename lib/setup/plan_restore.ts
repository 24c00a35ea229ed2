/**
 * The steps that take a set-up back: for `host teardown`, for a setup that failed, and for one that was killed.
 *
 * @module
 */

import { dnsFile } from "../network/host_bridge.ts";
import { renumberNetworkFile } from "../network/renumber_text.ts";
import type { Backend } from "./backend.ts";
import { firewalldFiles, reloadFirewalld } from "./firewalld.ts";
import { digestOf, resolvedUnit, yggdrasilUnit } from "./plan_setup.ts";
import { type FileState, networkOf, type SetupFacts, type SetupRecord } from "./record.ts";
import type { SetupStep } from "./setup_step.ts";
import type { UnitFacts } from "./units.ts";

/** A host as it is when a set-up is to be taken back. */
export interface RestoreInput {
  readonly backend: Backend;
  /** What is to come back. */
  readonly facts: SetupFacts;
  /** What goes on to stand: the set-up before the one that is taken back. */
  readonly kept: SetupFacts | undefined;
  /** Files as they are now, for each path of the facts. */
  readonly files: ReadonlyMap<string, FileState | undefined>;
  readonly units: ReadonlyMap<string, UnitFacts>;
  /** The kernel's settings of the facts, as they are now. */
  readonly settings: ReadonlyMap<string, string | undefined>;
  readonly hasBridge: boolean;
  readonly isFirewalldActive: boolean;
  /** Whether yggdrasil's configuration that setup made stays, with its key. */
  readonly keepKey: boolean;
  /** Files that a killed run was writing. */
  readonly staged: readonly string[];
  /** A free name for a file that was edited. */
  readonly savedName: (path: string) => string;
}

/** Tables that systemd makes for its masquerading, and leaves when there is nothing more to masquerade. */
const systemdTables = ["ip io.systemd.nat", "ip6 io.systemd.nat"];

/**
 * Plans the way back. All steps may be repeated, and what is as it was has none: a run that was killed is completed by
 * the same plan.
 */
export function planRestore(input: RestoreInput): SetupStep[] {
  const { backend, facts, kept, units, hasBridge } = input;
  const network = networkOf(facts);
  const { bridge } = network;
  const files = fileSteps(input);
  const restored = new Set(files.map(({ path }) => path));
  const isBridgeOurs = kept === undefined && !facts.hadBridge;
  const run = (...words: string[]): SetupStep => ({ kind: "run", words });
  const wasActive = (unit: string) =>
    facts.units.find(({ name }) => name === unit)?.isActive === true;
  const stop = (names: readonly string[]) => {
    const ours = names.filter((unit) => units.get(unit)?.isActive === true && !wasActive(unit));
    return ours.length === 0 ? [] : [run("systemctl", "stop", ...ours)];
  };
  const restart = (unit: string, isChanged: boolean): SetupStep[] =>
    isChanged && wasActive(unit) ? [{ kind: "start", action: "restart", unit }] : [];
  const isBackendChanged = backend.files(network).some(({ path }) => restored.has(path));
  const record: SetupRecord = { schema: 1, ...(kept === undefined ? {} : { done: kept }) };
  return [
    ...(kept === undefined ? [{ kind: "forget-derived", network } as const] : []),
    ...stop([yggdrasilUnit, resolvedUnit]),
    ...input.staged.map((path) => ({ kind: "remove-file", path }) as const),
    ...files,
    ...enableSteps(input),
    ...backend
      .forget(bridge, {
        hasBridge: isBridgeOurs && hasBridge,
        isGone: isBridgeOurs,
        isToldOf: isBackendChanged && backend.units.some(wasActive),
      })
      .map((words) => run(...words)),
    ...(input.isFirewalldActive && firewalldFiles(bridge).some(({ path }) => restored.has(path))
      ? [run(...reloadFirewalld)]
      : []),
    ...stop([...backend.units, ...backend.besideUnits]),
    ...restart(resolvedUnit, restored.has(dnsFile)),
    ...restart(
      yggdrasilUnit,
      [...restored].some((path) => /\/yggdrasil\.conf$/.test(path)),
    ),
    ...facts.settings
      .filter(({ key, value }) => input.settings.get(key) !== value)
      .map(({ key, value }) => ({ kind: "set-kernel", key, value }) as const),
    ...(kept === undefined ? [] : [{ kind: "derive-host" } as const]),
    ...(isBridgeOurs ? leftoverSteps(backend, facts) : []),
    { kind: "write-record", record },
    ...(kept === undefined ? facts.folders.toReversed() : []).map(
      (path) => ({ kind: "remove-folder", path }) as const,
    ),
  ];
}

/** Puts files back, the last one first; what somebody has edited since is kept beside. */
function fileSteps({ backend, facts, files, keepKey, savedName }: RestoreInput) {
  const network = networkOf(facts);
  const rendered = new Map(backend.files(network).map(({ path, text }) => [path, text]));
  /** Whether setup wrote it: just so, or `host renumber` has put another prefix into it. */
  const isOurs = (path: string, written: string, now: FileState) => {
    const text = Buffer.from(now.content, "base64").toString();
    const renumbered = renumberNetworkFile(text, network.prefix);
    return digestOf(now) === written || renumbered === rendered.get(path);
  };
  return facts.files.toReversed().flatMap(({ path, before, written }) => {
    const now = files.get(path);
    if (Bun.deepEquals(now ?? null, before) || (keepKey && path === facts.keyFile)) return [];
    const isEdited =
      now !== undefined && now.content !== before?.content && !isOurs(path, written, now);
    return [
      ...(isEdited ? [{ kind: "keep-file", path, as: savedName(path) } as const] : []),
      ...(before !== null
        ? [{ kind: "write-file", path, file: before } as const]
        : now === undefined || isEdited
          ? []
          : [{ kind: "remove-file", path } as const]),
    ];
  });
}

function enableSteps({ facts, units }: RestoreInput): SetupStep[] {
  const differs = facts.units.filter(
    ({ name, isEnabled }) => (units.get(name)?.isEnabled ?? isEnabled) !== isEnabled,
  );
  return (["disable", "enable"] as const).flatMap((action): SetupStep[] => {
    const names = differs
      .filter(({ isEnabled }) => isEnabled === (action === "enable"))
      .map(({ name }) => name);
    return names.length === 0 ? [] : [{ kind: "run", words: ["systemctl", action, ...names] }];
  });
}

function leftoverSteps(backend: Backend, { network, tables }: SetupFacts): SetupStep[] {
  const ours = systemdTables.filter((table) => !tables.includes(table));
  return [
    ...(ours.length === 0 ? [] : [{ kind: "remove-empty-tables", tables: ours } as const]),
    ...backend.leftovers(network.bridge).map((path) => ({ kind: "remove-file", path }) as const),
  ];
}
