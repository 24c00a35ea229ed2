/**
 * Takes a set-up back: all of it, or the run that failed or was killed.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { firewallPaths } from "../firewall/firewall_files.ts";
import { freeNameBeside, nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { listMachineNames } from "../machine/inventory.ts";
import { stagedName } from "../paths.ts";
import type { Backend } from "./backend.ts";
import { backendNamed } from "./backends.ts";
import { applySetup, type ApplyOptions } from "./apply_setup.ts";
import { readFileState } from "./file_state.ts";
import { readKernelSetting } from "./host_facts.ts";
import { firewalldUnit } from "./firewalld.ts";
import { planRestore } from "./plan_restore.ts";
import { parseRecord, type SetupFacts, type SetupRecord } from "./record.ts";
import { recordFile, type SetupStep } from "./setup_step.ts";
import { readUnits } from "./units.ts";

/** What setup.json says; empty where there is none. */
export function readRecord(host: Host): SetupRecord {
  const path = join(host.root, recordFile);
  const text = readTextIfPresent(path);
  return text === undefined ? { schema: 1 } : parseRecord(text, path);
}

/** The steps that take `facts` back, on the host as it is now. */
async function planWayBack(
  host: Host,
  facts: SetupFacts,
  kept: SetupFacts | undefined,
  keepKey: boolean,
): Promise<SetupStep[]> {
  const backend: Backend = backendNamed(facts.backend);
  const { bridge } = facts.network;
  const firewalld = await readUnits(host, [firewalldUnit]);
  return planRestore({
    backend,
    facts,
    kept,
    keepKey,
    files: new Map(facts.files.map(({ path }) => [path, readFileState(join(host.root, path))])),
    units: await readUnits(
      host,
      facts.units.map(({ name }) => name),
    ),
    settings: new Map(facts.settings.map(({ key }) => [key, readKernelSetting(host, key)])),
    hasBridge: existsSync(join(host.root, "sys/class/net", bridge)),
    isFirewalldActive: firewalld.get(firewalldUnit)?.isActive === true,
    staged: stagedFiles(host, facts),
    savedName: freeNameBeside,
  });
}

/** Hidden names at which a write was prepared by a run that was killed. */
function stagedFiles({ root }: Host, { files }: SetupFacts): string[] {
  return [...files.map(({ path }) => path), ...firewallPaths, recordFile]
    .map((path) => stagedName(join(root, path)))
    .filter(nameExists);
}

/** The steps that take back what a run had begun and not ended; none where there is no such run. */
export async function planRecovery(host: Host): Promise<SetupStep[]> {
  const { begun, done } = readRecord(host);
  return begun === undefined ? [] : await planWayBack(host, begun, done, false);
}

export interface Teardown {
  readonly steps: readonly SetupStep[];
  /** The file with yggdrasil's key that setup made, and that goes. */
  readonly keyFile: string | undefined;
}

/**
 * Plans `host teardown`.
 *
 * @throws {MbctlError} (conflict) while there are machines, (usage) where nothing was set up.
 */
export async function prepareTeardown(host: Host, keepKey: boolean): Promise<Teardown> {
  const machines = listMachineNames(host.root);
  if (machines.length > 0) {
    const names = machines.map((name) => `"${name}"`).join(", ");
    throw new MbctlError(
      "conflict",
      `Cannot take the host's set-up back: it has machines: ${names}`,
      {
        hint: `mbctl machines remove ${machines[0]} --stop`,
      },
    );
  }
  const { done } = readRecord(host);
  if (done === undefined) {
    throw new MbctlError("usage", "Cannot take the host's set-up back: mbctl has not set it up", {
      hint: "what was set up by hand is taken back by hand: systemd-configs/README.md names the files",
    });
  }
  const steps = await planWayBack(host, done, undefined, keepKey);
  return { steps, keyFile: keepKey ? undefined : done.keyFile };
}

/**
 * Carries out the way back as far as it goes: what cannot be taken back does not keep the rest.
 *
 * @param onWarning told what could not be done.
 * @returns whether all was done; else the record stays, and the next run tries again.
 */
export async function takeBack(
  host: Host,
  steps: readonly SetupStep[],
  onWarning: (text: string) => void,
  options: ApplyOptions = {},
): Promise<boolean> {
  let isWhole = true;
  for (const step of steps) {
    if (step.kind === "write-record" && !isWhole) break;
    try {
      await applySetup(host, [step], options);
    } catch (error) {
      if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
      isWhole = false;
      const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
      onWarning(`${error.message}${cause}`);
    }
  }
  return isWhole;
}
