import { runScript } from "../lib/cli/main.ts";
import { unitVerb } from "./_unit_verb.ts";

const verb = unitVerb({
  action: "disable",
  summary: "start machines at boot no more",
  examples: [{ command: "mbctl machines disable web", says: "leaves it running now" }],
});
export default verb;

if (import.meta.main) await runScript(verb);
