import { runScript } from "../lib/cli/main.ts";
import { parseSize } from "../lib/cli/size.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { pruneStore } from "./_image_store.ts";

const verb = defineVerb({
  name: "cache prune",
  summary: "remove images that no machine uses",
  description:
    "Layers that a machine's image shares stay, and so do downloads that broke off in the last day. With --max-size alone, images go only until the store fits, those used longest ago first.",
  changes: true,
  flags: {
    keepDays: {
      type: "integer",
      value: "N",
      min: 0,
      help: "keep what was used in the last N days",
    },
    maxSize: {
      type: "string",
      value: "SIZE",
      parse: parseSize,
      help: "how much the store may take: 500M, 20G",
    },
  },
  examples: [
    { command: "mbctl cache prune --dry-run", says: "what would go, and what that would free" },
    { command: "mbctl cache prune --keep-days 30", says: "what was not used for a month" },
    { command: "mbctl cache prune --max-size 20G", says: "as much as needed" },
  ],
  async run(context, { keepDays, maxSize }) {
    await pruneStore(context, { keepDays, maxSizeBytes: maxSize });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
