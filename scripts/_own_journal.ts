/** The journal that a whole system keeps of itself. */

import process from "node:process";
import type { VerbContext } from "../lib/cli/context.ts";
import type { Host } from "../lib/host/host.ts";
import { enterMachineFiles } from "../lib/host/namespaces.ts";
import { readLeader } from "../lib/host/systemd.ts";
import { machinePaths } from "../lib/paths.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import { readProgramEnvironment } from "../lib/watch/machine_entry.ts";
import { hasOwnJournal, journalFiles } from "../lib/watch/system_entry.ts";

/** A journalctl that reads it: of the machine's own while that runs. */
export interface OwnJournal {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** How the journal of a whole system is read; undefined where there is none. */
export async function ownJournal(
  { environment }: VerbContext,
  host: Host,
  name: MachineName,
): Promise<OwnJournal | undefined> {
  const leader = await readLeader(host.run, name);
  if (leader !== undefined) {
    if (!hasOwnJournal(leader)) return undefined;
    const own = Object.fromEntries(readProgramEnvironment(leader));
    return {
      words: [...enterMachineFiles(leader), "journalctl"],
      environment: { ...own, TERM: environment.TERM ?? "dumb" },
    };
  }
  const files = journalFiles(machinePaths(host.root, name).tree);
  if (files.length === 0) return undefined;
  return {
    words: ["journalctl", ...files.map((file) => `--file=${file}`)],
    environment: process.env,
  };
}
