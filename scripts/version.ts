import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import packageJson from "../package.json" with { type: "json" };

const verb = defineVerb({
  name: "version",
  summary: "print the version",
  reads: true,
  examples: [
    { command: "mbctl version", says: "the version alone" },
    {
      command: "mbctl version --json",
      says: "with the Bun it was built on and the platform",
    },
  ],
  run({ out }) {
    const { version } = packageJson;
    const { platform, arch: architecture } = process;
    out.answer({ version, bun: Bun.version, platform, architecture }, () => `${version}\n`);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
