import { runScript } from "../lib/cli/main.ts";
import { unitVerb } from "./_unit_verb.ts";

const verb = unitVerb({
  action: "enable",
  summary: "start machines at boot",
  examples: [{ command: "mbctl machines enable web", says: "starts it at every boot from now on" }],
});
export default verb;

if (import.meta.main) await runScript(verb);
