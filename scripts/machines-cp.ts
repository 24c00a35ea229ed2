import { runScript } from "../lib/cli/main.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { escapeLine } from "../lib/cli/terminal.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import {
  copyIn,
  copyOut,
  copyStreamIn,
  copyStreamOut,
  parseOwner,
} from "../lib/copy/copy_files.ts";
import { type MachineView, openMachineView } from "../lib/copy/machine_view.ts";
import { type CopyOperand, parseCopyOperand } from "../lib/copy/operand.ts";
import { usageError } from "../lib/errors.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { requireLive, requireMachines } from "../lib/machine/lifecycle.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import { recordEvent } from "../lib/watch/record_event.ts";

const verb = defineVerb({
  name: "machines cp",
  summary: "copy files between a machine and this host",
  description: `Works on machines that run and on those that do not, as cp -r and podman cp do: into a folder that is there, else under the name given. A path in the machine is looked up in the machine, so its links lead to its own files, and volumes are where it has them.

What is copied in belongs to the machine's program, or to --chown; what is copied out to the caller. With --archive the ids are kept: those of the machine's files on disk are the machine's own. Set-id bits are not copied out. Devices, sockets and pipes are left out and named. With - a tar stream is read or written, whose owners count.`,
  changes: true,
  operands: {
    source: {
      kind: "file",
      help: "NAME:/path, a path of this host, or -",
      parse: parseCopyOperand,
    },
    destination: { kind: "file", help: "the same", parse: parseCopyOperand },
  },
  flags: {
    archive: { type: "boolean", short: "a", help: "keep owners" },
    chown: {
      type: "string",
      value: "UID:GID",
      parse: parseOwner,
      help: "who owns what is copied in, as the machine sees it",
    },
  },
  examples: [
    { command: "mbctl machines cp dump.sql db:/tmp/", says: "into a machine that runs" },
    { command: "mbctl machines cp web:/etc/nginx .", says: "makes ./nginx" },
    { command: "mbctl machines cp db:/var/lib/data - | gzip > data.tar.gz", says: "a tar stream" },
  ],
  async run(context, { source, destination, archive, chown }) {
    const host = openHost(context);
    if ((source.kind === "machine") === (destination.kind === "machine")) {
      throw usageError(
        "Cannot copy so: one side must be in a machine, and the other not",
        "name the machine's side NAME:/path; between two machines: mbctl machines cp A:/x - | mbctl machines cp - B:/",
      );
    }
    const inMachine = source.kind === "machine" ? source : destination;
    const other = source.kind === "machine" ? destination : source;
    if (inMachine.kind !== "machine" || other.kind === "machine") throw new TypeError("no machine");
    const isIn = destination.kind === "machine";
    if (chown !== undefined && (!isIn || archive || other.kind === "stream")) {
      throw usageError(
        `Cannot use --chown ${isIn ? "with --archive or a tar stream, which have owners" : "for files of this host"}`,
        "leave it out",
      );
    }
    requireLive(host, "copy files of machines");
    requireMachines(host.root, [inMachine.name]);
    if (context.dryRun) {
      context.out.print(`copy ${wordsOf(source)} to ${wordsOf(destination)}`);
      return undefined;
    }
    const view = await openView(host, inMachine.name);
    // Nobody is to start or replace it meanwhile.
    using _lock = view.isRunning ? undefined : takeMachineLock(host.root, view.name);
    const { path } = inMachine;
    if (isIn) await putIn(context, view, other, path, { owner: chown, keepsOwners: archive });
    else await takeOut(context, host, view, path, other, archive);
    const message = `copied ${wordsOf(source)} to ${wordsOf(destination)}`;
    await recordEvent(host, { event: "copy", machine: view.name, message });
    return undefined;
  },
});
export default verb;

type OutsideOperand = Exclude<CopyOperand, { kind: "machine" }>;

async function openView(host: Host, name: MachineName): Promise<MachineView> {
  const { spec } = await readMachine(host, name);
  return await openMachineView(host, spec);
}

async function putIn(
  { log, workingDirectory }: VerbContext,
  view: MachineView,
  source: OutsideOperand,
  path: string,
  options: Pick<Parameters<typeof copyIn>[3], "owner" | "keepsOwners">,
): Promise<void> {
  if (source.kind === "stream") return await copyStreamIn(view, path, 0);
  const from = source.path.startsWith("/") ? source.path : `${workingDirectory}/${source.path}`;
  const onLeftOut = (left: string) => log.warn(leftOut(left));
  await copyIn(view, from, path, { ...options, onLeftOut });
}

async function takeOut(
  { log, workingDirectory }: VerbContext,
  host: Host,
  view: MachineView,
  path: string,
  destination: OutsideOperand,
  keepsOwners: boolean,
): Promise<void> {
  if (destination.kind === "stream") return await copyStreamOut(view, path, 1);
  const target = destination.path;
  const left = await copyOut(view, host.spawn, path, target, workingDirectory, keepsOwners);
  for (const one of left) log.warn(leftOut(one));
}

function leftOut(path: string): string {
  return `left out, as it is neither a file, a folder nor a link: ${escapeLine(path)}`;
}

function wordsOf(operand: CopyOperand): string {
  if (operand.kind === "machine") return `${operand.name}:${operand.path}`;
  return operand.kind === "stream" ? "-" : operand.path;
}

if (import.meta.main) await runScript(verb);
