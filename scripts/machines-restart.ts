import { runScript } from "../lib/cli/main.ts";
import { unitVerb } from "./_unit_verb.ts";

const verb = unitVerb({
  action: "restart",
  summary: "stop machines and start them again",
  examples: [{ command: "mbctl machines restart web", says: "also starts one that is stopped" }],
});
export default verb;

if (import.meta.main) await runScript(verb);
