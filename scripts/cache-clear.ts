import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { pruneStore } from "./_image_store.ts";

const verb = defineVerb({
  name: "cache clear",
  summary: "remove all from the store that no machine uses",
  description:
    "Also what cache prune keeps: downloads that broke off today. Machines run without the store; what they use stays, so that the next machine of the same image needs no network.",
  changes: true,
  examples: [{ command: "mbctl cache clear", says: "frees the space that fetched images take" }],
  async run(context) {
    await pruneStore(context, { everything: true });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
