import { runScript } from "../lib/cli/main.ts";
import { unitVerb } from "./_unit_verb.ts";

const verb = unitVerb({
  action: "stop",
  summary: "stop machines",
  examples: [
    {
      command: "mbctl machines stop web",
      says: "sends the image's stop signal, and kills what does not end",
    },
  ],
});
export default verb;

if (import.meta.main) await runScript(verb);
