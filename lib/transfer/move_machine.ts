/**
 * A machine on its way to another host. It is copied while it runs, stopped, copied again where it has changed,
 * made there of its configuration, and removed here only when it runs there. Whatever goes wrong before that, it
 * runs here again.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { undisturbedTools } from "../change/apply_change.ts";
import { journalStep } from "../change/journal.ts";
import { readPresentMachine } from "../change/present_machine.ts";
import { MbctlError } from "../errors.ts";
import { makeDirectory, nameExists, removeFile } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { type ApplyTools, applySteps } from "../steps/apply.ts";
import { foldersBelow, machinePaths } from "../paths.ts";
import { readConnectorUsers } from "../connector/require_connectors.ts";
import { prepareRemoval } from "../steps/remove.ts";
import type { Step } from "../steps/step.ts";
import type { PublishedPort } from "../network/published_port.ts";
import { readRunning } from "../snapshots/running.ts";
import { type MachineName, machineUnit } from "../spec/machine_name.ts";
import { exportMachine, type ExportRequest, spoolFile } from "./export_machine.ts";
import type { RemoteFacts, RemoteHost } from "./remote_host.ts";
import {
  clearThere,
  enableThere,
  fetchThere,
  giveSecrets,
  receiveWords,
  startThere,
} from "./remote_machine.ts";

export interface MoveRequest {
  readonly name: MachineName;
  /** What it is to be called there. */
  readonly newName: MachineName;
  /** Ports of the other host in the place of those that it publishes here; none: the same. */
  readonly publish: readonly PublishedPort[];
  /** Whether it stays here too, stopped and not started at boot. */
  readonly isKept: boolean;
  /** Whether its root tree is sent, with what was written to it, also where its image can be had there. */
  readonly hasTree: boolean;
  /** The version of this mbctl. */
  readonly mbctl: string;
  readonly say: (text: string) => void;
}

/** What is known before anything is copied. */
export interface PreparedMove {
  readonly isRunning: boolean;
  readonly remote: RemoteFacts;
  /** What the other host says that the machine is, and would get there. */
  readonly offer: string;
  readonly dataBytes: number;
  /** What does not go along, in words. */
  readonly losses: readonly string[];
}

/** Left free there, for its root tree. */
const reserveBytes = 256 * 1024 * 1024;

/**
 * Asks the other host whether it takes a machine: whatever it would be refused for is known before anything is stopped.
 *
 * @throws {MbctlError} (host) when it cannot be reached or lacks room, (failed) with what it says.
 */
export async function prepareMove(
  host: Host,
  remote: RemoteHost,
  request: MoveRequest,
  tools: ApplyTools,
): Promise<PreparedMove> {
  const { name } = request;
  const isRunning = await readRunning(host, name, "move");
  const facts = await remote.facts();
  const dataBytes = await requireRoom(host, name, remote, facts);
  return await withArchive(host, request, tools, async (write) => {
    const words = [...receiveWords(name, request.newName, request.publish), "--dry-run"];
    const offer = await remote.run(
      words,
      readFileSync(await write({ hasData: false, hasTree: false, isWhole: false })),
    );
    return { isRunning, remote: facts, offer, dataBytes, losses: await lossesOf(host, request) };
  });
}

async function lossesOf(host: Host, { name, isKept, hasTree }: MoveRequest): Promise<string[]> {
  const { snapshots } = await prepareRemoval(host, name, true);
  const end = isKept ? "stay here" : "are removed with it";
  const users = readConnectorUsers(host.root, name);
  return [
    ...(users.length === 0
      ? []
      : [`${users.join(", ")} can run its commands no more: connectors do not reach another host`]),
    ...(hasTree || isSystem(host, name)
      ? []
      : ["what was written to its root tree stays behind (--with-tree takes it)"]),
    ...(snapshots === 0 ? [] : [`its snapshots (${snapshots}) stay behind, and ${end}`]),
  ];
}

/**
 * Moves a machine.
 *
 * @throws {MbctlError} (failed) with what the other host said, (conflict) while another one is moved to its name there.
 * The machine is then here as before.
 */
export async function moveMachine(
  host: Host,
  remote: RemoteHost,
  request: MoveRequest,
  { isRunning, remote: facts }: PreparedMove,
  tools: ApplyTools,
): Promise<void> {
  const { name, newName, say } = request;
  const { storage, changeMarker } = machinePaths(host.root, name);
  const forget: Step = { kind: "remove", path: changeMarker };
  const calm = undisturbedTools(tools);
  // What is staged there for this name is ours alone, until the machine runs.
  using _claim = await remote.undisturbed(calm.host).claim(newName);
  const hasTree =
    request.hasTree || isSystem(host, name) || !(await fetchThere(host, remote, name, say));
  say(`copying it to ${remote.name}`);
  let isThere = false;
  try {
    const isMirrored = await remote.mirror(storage, newName, facts);
    if (isRunning) {
      // Killed from here on, it is started again by the next mbctl that touches it.
      const journal = { phase: "prepare", verb: "move", steps: unitSteps(name, "start") } as const;
      await applySteps([journalStep(changeMarker, journal), ...unitSteps(name, "stop")], tools);
    }
    if (isMirrored) await remote.mirror(storage, newName, facts);
    await withArchive(host, request, tools, async (write) => {
      const receive = receiveWords(name, newName, request.publish);
      const words = [...receive, "--yes", ...(isMirrored ? ["--staged-data"] : [])];
      await remote.feed(words, await write({ hasData: !isMirrored, hasTree }));
    });
    isThere = true;
    await giveSecrets(host, remote, name, newName);
    // From here on it may run there: two must not run with the same data.
    await applySteps([forget], calm);
    if (isRunning) await startThere(host, remote, name, newName, say);
    await enableThere(host, remote, name, newName);
  } catch (error) {
    say(`that failed: "${name}" stays here`);
    await clearThere(remote.undisturbed(calm.host), newName, isThere, say);
    await applySteps([...(isRunning ? unitSteps(name, "start") : []), forget], calm);
    throw error;
  }
  await leave(host, request, remote, calm);
}

/** Its tree is not what it was made of any more. */
function isSystem(host: Host, name: MachineName): boolean {
  return readPresentMachine(host, name).spec.mode === "base";
}

type ArchiveParts = Pick<ExportRequest, "hasData" | "hasTree" | "isWhole">;

/** Gives `work` what writes an archive of the machine and answers its path; the archive is removed afterwards. */
async function withArchive<Result>(
  host: Host,
  { name, mbctl }: MoveRequest,
  tools: ApplyTools,
  work: (write: (parts: ArchiveParts) => Promise<string>) => Promise<Result>,
): Promise<Result> {
  const { cache } = foldersBelow(host.root);
  makeDirectory(cache, 0o755);
  const path = spoolFile(cache, name);
  try {
    return await work(async (parts) => {
      const archive = { name, path, ...parts, isForced: true, pause: "none", mbctl } as const;
      await exportMachine(host, archive, tools);
      return path;
    });
  } finally {
    removeFile(path);
  }
}

/** Starting forgives; stopping forgets how it ended. */
function unitSteps(name: MachineName, action: "start" | "stop" | "disable"): Step[] {
  const units = [machineUnit(name)];
  if (action === "start") return [{ kind: "unit", action, units, isForgiving: true }];
  const stopped: Step[] = action === "stop" ? [{ kind: "forget-failure", name }] : [];
  return [{ kind: "unit", action, units }, ...stopped];
}

/** The bytes of its data. @throws {MbctlError} (host) when there is no room for them. */
async function requireRoom(
  host: Host,
  name: MachineName,
  remote: RemoteHost,
  { freeBytes }: RemoteFacts,
): Promise<number> {
  const { storage } = machinePaths(host.root, name);
  if (!nameExists(storage)) return 0;
  const { stdout } = await host.run(["du", "-s", "-B1", "--", storage]);
  const bytes = Number(stdout.split("\t")[0]);
  if (bytes + reserveBytes <= freeBytes) return bytes;
  const mebibytes = (count: number) => Math.ceil(count / 2 ** 20);
  throw remote.fail(
    `its data has ${mebibytes(bytes)} MiB, and ${mebibytes(freeBytes)} MiB are free there`,
    `make room: ssh ${remote.name} mbctl cache prune`,
  );
}

async function leave(
  host: Host,
  { name, newName, isKept, say }: MoveRequest,
  remote: RemoteHost,
  tools: ApplyTools,
): Promise<void> {
  if (isKept) {
    await applySteps(unitSteps(name, "disable"), tools);
    say(`"${name}" is kept here, stopped; it does not start at boot`);
    return;
  }
  const { steps, kept } = await prepareRemoval(host, name, true);
  const { changeMarker } = machinePaths(host.root, name);
  try {
    const decision = journalStep(changeMarker, { phase: "commit", verb: "move", steps });
    await applySteps([decision, ...steps], tools);
  } catch (cause) {
    throw new MbctlError(
      "failed",
      `Cannot remove "${name}" here: it runs as "${newName}" on ${remote.name}`,
      { hint: `mbctl machines remove ${name}`, cause },
    );
  }
  for (const folder of kept) say(`left alone: ${folder}`);
}
