import { runScript } from "../lib/cli/main.ts";
import { unitVerb } from "./_unit_verb.ts";

const verb = unitVerb({
  action: "start",
  summary: "start machines",
  examples: [{ command: "mbctl machines start web db", says: "starts both" }],
});
export default verb;

if (import.meta.main) await runScript(verb);
