import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { readTextIfPresent } from "../lib/host/files.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { applySteps } from "../lib/steps/apply.ts";
import { readHostState } from "../lib/machine/derive.ts";
import { waitForConfigLock } from "../lib/machine/lock.ts";
import { foldersBelow } from "../lib/paths.ts";
import { planImport } from "../lib/names/plan_import.ts";
import { describeStep } from "../lib/steps/step.ts";
import { type HostDocument, parseHostDocument } from "../lib/names/host_document.ts";

const verb = defineVerb({
  name: "address import",
  summary: "take over another host's key and the names of its machines",
  description:
    "Reads what mbctl address export printed on the other host: from a file, from standard input (-), or by ssh. The names go to /etc/mbctl/names/HOST, and resolve from then on. A host that config.toml does not name, or that has another key than there, is refused without --trust.",
  changes: true,
  operands: { file: { kind: "file", optional: true, help: "the document; - is standard input" } },
  flags: {
    trust: {
      type: "boolean",
      help: "write its key to config.toml: its machines may then connect to those of this host",
    },
    ssh: { type: "string", value: "[USER@]HOST", help: "run mbctl address export there" },
  },
  examples: [
    { command: "mbctl address import --ssh root@hostb --trust", says: "the first time" },
    { command: "mbctl address import --ssh hostb", says: "later, for machines that are new" },
    { command: "mbctl address import hostb.toml", says: "from a file" },
  ],
  async run(context, { file, trust, ssh }) {
    if (!context.dryRun) requireRoot("import names");
    const document = await readDocument(context, file, ssh);
    const folders = foldersBelow(context.root);
    // Another import may be at the same file. A dry run changes nothing, not even a lock's folder.
    using _lock = context.dryRun ? undefined : await waitForConfigLock(context.root, context);
    const host = openHost(context);
    const { hostName, network, machines } = await readHostState(host);
    const {
      name,
      trust: state,
      steps,
    } = planImport(
      {
        root: host.root,
        config: host.config,
        configText: readTextIfPresent(folders.hostConfiguration) ?? "",
        hostName,
        prefix: network.prefix,
        machines: machines.map(({ spec }) => spec.name),
      },
      document,
      trust,
      ssh?.replace(/^.*@/, ""),
    );
    if (context.dryRun) {
      for (const step of steps) context.out.print(describeStep(step));
      return undefined;
    }
    const onStep = (text: string) => context.log.debug(text);
    // What is derived follows from config.toml as it is after the other steps.
    for (const step of steps) await applySteps([step], { host: openHost(context), onStep });
    const count = document.machines.length;
    const known = { known: "", added: ", now trusted", replaced: ", with a new key" }[state];
    context.out.print(`${name}: ${count} ${count === 1 ? "machine" : "machines"}${known}`);
    return undefined;
  },
});
export default verb;

/** A host with thousands of machines says less; one that never stops must not fill our memory. */
const documentLimitBytes = 2 ** 20;

async function readDocument(
  context: VerbContext,
  file: string | undefined,
  ssh: string | undefined,
): Promise<HostDocument> {
  if ((file === undefined) === (ssh === undefined)) {
    throw usageError(
      `Cannot import: ${file === undefined ? "no document is named" : "both a file and --ssh are given"}`,
      "mbctl address import FILE, or mbctl address import --ssh HOST",
    );
  }
  if (ssh !== undefined) {
    if (ssh.startsWith("-")) throw usageError(`Cannot run ssh to "${ssh}": it is no host`);
    const { stdout } = await openHost(context).run(["ssh", "--", ssh, "mbctl address export"], {
      env: { SSH_AUTH_SOCK: context.environment.SSH_AUTH_SOCK },
      outputLimitBytes: documentLimitBytes,
    });
    return parseHostDocument(stdout, `ssh ${ssh}`);
  }
  if (file === "-") return parseHostDocument(await Bun.stdin.text(), "standard input");
  const path = resolve(context.workingDirectory, file ?? "");
  const text = readTextIfPresent(path);
  if (text === undefined) {
    throw usageError(`Cannot read ${JSON.stringify(path)}: there is no such file`);
  }
  return parseHostDocument(text, path);
}

if (import.meta.main) await runScript(verb);
