import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { editDeclaration } from "../lib/declare/edit_declaration.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { applyDeclarations, convergeFlags } from "./_converge.ts";

const verb = defineVerb({
  name: "machines edit",
  summary: "edit a machine's declaration, and apply it",
  description:
    "Opens machine.toml in $VISUAL or $EDITOR. What cannot be read is said, and the editor is opened again; what can is applied as machines apply does it. The file itself is not touched before that.",
  changes: true,
  progress: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  flags: convergeFlags,
  examples: [
    { command: "mbctl machines edit web", says: "in your editor" },
    {
      command: "EDITOR='sed -i s/512M/1G/' mbctl machines edit web --yes",
      says: "any command that changes a file",
    },
  ],
  async run(context, { name, ...flags }) {
    const { environment, log, prompt, terminals } = context;
    const host = openHost(context);
    requireRoot("change machines");
    const editor = environment.VISUAL || environment.EDITOR || "vi";
    const edited = await editDeclaration(host, name, editor, async (problem) => {
      log.warn(problem.message);
      if (!terminals.stdin || !terminals.stderr) return false;
      return await prompt.confirm({ message: "Edit it again?", flag: "--yes" });
    });
    if (edited === undefined) {
      log.info(`${name}: nothing was changed`);
      return undefined;
    }
    try {
      await applyDeclarations(context, [edited.declared], flags);
    } catch (error) {
      if (error instanceof MbctlError) log.warn(`your edit is kept in ${edited.declared.file}`);
      throw error;
    }
    edited.discard();
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
