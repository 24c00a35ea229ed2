import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readDetails } from "../lib/details/machine_details.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";

const verb = defineVerb({
  name: "machines show",
  summary: "show all that is known of a machine",
  description:
    "Each fact stands beside the file or program it was read from. Of variables the names are shown, not the values.",
  reads: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  examples: [{ command: "mbctl machines show web", says: "image, state, address, volumes, files" }],
  async run(context, { name }) {
    const facts = await readDetails(openHost(context), name);
    context.out.answer({ name, facts }, () =>
      renderTable(
        ["FACT", "VALUE", "SOURCE"],
        facts.map((fact) => [fact.name, fact.value, fact.source]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
