import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import type { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { deriveHost, previewDerived } from "../lib/machine/derive.ts";
import { requireAllPublished } from "../lib/machine/published_ports.ts";

const verb = defineVerb({
  name: "host reload",
  summary: "put changed settings of host and machines to work",
  description:
    "Reads /etc/mbctl/config.toml and every machine.toml, and makes firewall, names, relays and published ports follow from them. The firewall is replaced in one step. A file or rule that is wrong is named, and nothing is changed.",
  changes: true,
  examples: [
    { command: "mbctl host reload", says: "after an edit of config.toml or a machine.toml" },
    { command: "mbctl host reload --dry-run", says: "shows what would be written" },
  ],
  async run(context) {
    const host = openHost(context);
    const refuse = (problem: MbctlError) => {
      throw problem;
    };
    if (context.dryRun) {
      for (const line of await previewDerived(host, refuse)) context.out.print(line);
      return undefined;
    }
    requireRoot("change the firewall");
    for (const line of await previewDerived(host, refuse)) context.log.debug(line);
    await deriveHost(host, refuse);
    if (host.isLive) await requireAllPublished(host);
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
