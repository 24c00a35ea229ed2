import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { recoverChange } from "../lib/change/apply_change.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { makeDirectory, removeFile } from "../lib/host/files.ts";
import { type Host, openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { requireMachines } from "../lib/machine/lifecycle.ts";
import { takeMachineLock } from "../lib/machine/lock.ts";
import { foldersBelow } from "../lib/paths.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { exportMachine, type ExportRequest, spoolFile } from "../lib/transfer/export_machine.ts";
import { recordEvent } from "../lib/watch/record_event.ts";

const verb = defineVerb({
  name: "machines export",
  summary: "write a machine to an archive",
  description:
    "The archive is a tar of a manifest and of compressed tars: the configuration folder, from which the machine can be rebuilt, and with --with-data the storage folder, owners, attributes and holes kept. A running machine is frozen while its data is read. Secrets and folders of the host are left out and named. The archive may hold what the env file holds: it is for root alone.",
  progress: true,
  operands: {
    name: { kind: "machine", help: "the machine", parse: parseMachineName },
    file: { kind: "file", help: "the archive to write; - is standard output" },
  },
  flags: {
    withData: { type: "boolean", help: "its storage folder too" },
    withTree: { type: "boolean", help: "its root tree too, where nobody gives its image any more" },
    stop: { type: "boolean", help: "stop a running machine meanwhile, in place of freezing it" },
    live: { type: "boolean", help: "let it run: its data may not fit together" },
    force: { type: "boolean", help: "replace a file that is there" },
  },
  examples: [
    { command: "mbctl machines export web web.tar", says: "what rebuilds it" },
    { command: "mbctl machines export db db.tar --with-data", says: "and its data" },
    {
      command: "mbctl machines export web - | ssh hostb mbctl machines import - --yes",
      says: "to another host",
    },
  ],
  async run(context, { name, file, withData: hasData, withTree: hasTree, stop, live, force }) {
    const host = openHost(context);
    if (stop && live) throw usageError("Cannot use --stop and --live at once", "leave one out");
    requireRoot("export machines");
    const isStream = file === "-";
    if (isStream && process.stdout.isTTY) {
      throw usageError("Cannot write an archive to a terminal", "name a file, or add a pipe");
    }
    const request: ExportRequest = {
      ...{ name, hasData, hasTree, isForced: force || isStream, mbctl: packageJson.version },
      path: isStream
        ? spoolFile(foldersBelow(host.root).cache, name)
        : resolve(context.workingDirectory, file),
      pause: stop ? "stop" : live ? "none" : "freeze",
    };
    using _lock = takeMachineLock(host.root, name);
    const tools = {
      ...{ host, machine: name, signal: context.signal },
      onStep: (text: string) => context.log.debug(text),
      onWarning: (text: string) => context.log.warn(text),
    };
    await recoverChange(host, name, tools);
    requireMachines(host.root, [name]);
    if (isStream) makeDirectory(foldersBelow(host.root).cache, 0o755);
    try {
      await write(context, host, request, tools);
      if (isStream) await pour(host, request.path);
    } finally {
      if (isStream) removeFile(request.path);
    }
    const message = `exported${hasData ? " with its data" : ""}`;
    await recordEvent(host, { event: "export", machine: name, message });
    return undefined;
  },
});
export default verb;

/** By a program: Bun.write() to a pipe ends with EAGAIN when the pipe is full (Bun 1.4.5). */
async function pour(host: Host, path: string): Promise<void> {
  const file = openSync(path, "r");
  try {
    using child = host.spawn(["cat"], { stdin: file, stdout: 1 });
    await child.done();
  } finally {
    closeSync(file);
  }
}

async function write(
  context: VerbContext,
  host: Host,
  request: ExportRequest,
  tools: Parameters<typeof exportMachine>[2],
): Promise<void> {
  const task = context.progress.start(`export ${request.name}`);
  try {
    const done = await exportMachine(host, request, tools, (bytes) => task.update(bytes));
    task.done();
    for (const text of done.leftOut) context.log.info(`left out: ${text}`);
  } catch (error) {
    task.failed();
    throw error;
  }
}

if (import.meta.main) await runScript(verb);
