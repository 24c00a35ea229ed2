import { formatSuffix, machineSuffix } from "../lib/address/machine_address.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";

const verb = defineVerb({
  name: "address getsuffix",
  summary: "print the low half of a machine's address",
  description:
    "The suffix follows from the name alone: the low 64 bits of its SHA-256. The machine need not exist.",
  reads: true,
  operands: { name: { kind: "machine", help: "the machine", parse: parseMachineName } },
  examples: [
    { command: "mbctl address getsuffix TestBWContainer3", says: "prints 1d44:bc13:a177:c4d" },
  ],
  run({ out }, { name }) {
    const suffix = formatSuffix(machineSuffix(name));
    out.answer({ name, suffix }, () => `${suffix}\n`);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
