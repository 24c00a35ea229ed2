import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { readEdits } from "../lib/declare/edits.ts";
import { openHost } from "../lib/host/host.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";

const verb = defineVerb({
  name: "machines diff",
  summary: "show what was changed by hand of what mbctl rendered",
  description:
    "Compares machine.toml, container.nspawn, man8env.env and the unit's drop-in with what mbctl wrote last, and names drop-ins that are not mbctl's. Values of variables are not shown. Such edits stay when mbctl renders these files anew.",
  reads: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  examples: [
    { command: "mbctl machines diff web", says: "nothing is printed where nothing was changed" },
  ],
  async run(context, { name }) {
    const edits = readEdits(openHost(context), name);
    context.out.answer({ name, ...edits }, () =>
      [
        ...edits.files.map(({ diff }) => diff),
        ...edits.dropIns.map((path) => `a drop-in of your own: ${path}\n`),
        ...(edits.isKnown
          ? []
          : [
              `made by an older mbctl, which did not keep what it rendered: mbctl machines apply ${name} notes it\n`,
            ]),
      ].join(""),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
