import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { readDeclarations } from "../lib/declare/read_declarations.ts";
import { applyDeclarations, convergeFlags } from "./_converge.ts";

const verb = defineVerb({
  name: "machines apply",
  summary: "make machines what their declarations say",
  description:
    "A declaration is a machine.toml, in which the image's digests may be missing. Of a folder, its machine.toml, all *.toml and each */machine.toml are taken; the name of a machine means its own file. Shows the diff of all files first; machines that are missing are made, others are changed where they differ, and restarted only if they must. Edits of the rendered files stay.",
  changes: true,
  progress: true,
  operands: {
    sources: {
      kind: "file",
      label: "FILE",
      repeat: true,
      help: "declarations, or the names of machines",
    },
  },
  flags: convergeFlags,
  examples: [
    { command: "mbctl machines apply web.toml --dry-run", says: "the diff and the steps" },
    {
      command: "mbctl machines apply machines/ --start",
      says: "all of a folder, and starts new ones",
    },
    { command: "mbctl machines apply web", says: "after an edit of its machine.toml" },
  ],
  async run(context, { sources, ...flags }) {
    const declared = readDeclarations(context.root, sources, context.workingDirectory);
    await applyDeclarations(context, declared, flags);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
