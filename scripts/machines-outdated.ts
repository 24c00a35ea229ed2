import { errorFacts, EXIT_CODES } from "../lib/cli/exit_codes.ts";
import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import type { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { shortDigest } from "../lib/image/digest.ts";
import { readMachine, readMachineSpecs } from "../lib/machine/inventory.ts";
import { findOutdated } from "../lib/upgrade/find_outdated.ts";
import { sourceFlags, sourceOptions } from "./_image_source.ts";
import { namesOperand } from "./_many_machines.ts";

const verb = defineVerb({
  name: "machines outdated",
  summary: "ask registries whether machines have newer images",
  description:
    "Asks once for each reference what it names now; nothing is downloaded. A machine whose reference names a digest is pinned. Where a registry does not answer, its machines are unknown, and the exit code is 5.",
  reads: true,
  operands: { names: { ...namesOperand, help: "the machines; all without one" } },
  flags: {
    exitCode: { type: "boolean", help: "end with 1 when a machine is outdated" },
    ...sourceFlags,
  },
  examples: [
    { command: "mbctl machines outdated", says: "one line a machine" },
    { command: "mbctl machines outdated web --exit-code", says: "for scripts" },
  ],
  async run(context, { names = [], exitCode, ...flags }) {
    const host = openHost(context);
    let isBroken = false;
    const specs =
      names.length > 0
        ? await Promise.all(names.map(async (name) => (await readMachine(host, name)).spec))
        : readMachineSpecs(host.root, ({ message }) => {
            isBroken = true;
            context.log.warn(message);
          });
    const states = await findOutdated(host.run, specs, sourceOptions(context, flags));
    const machines = states.map(({ problem, ...state }) => ({
      ...state,
      reason: problem && reasonOf(problem),
    }));
    context.out.answer({ machines }, () =>
      renderTable(
        ["NAME", "IMAGE", "PRESENT", "AVAILABLE", "STATE"],
        machines.map(({ name, image, present, available, state, reason }) => [
          name,
          image,
          shortDigest(present),
          available && shortDigest(available),
          reason === undefined ? state : `unknown: ${reason}`,
        ]),
      ),
    );
    if (isBroken || states.some(({ state }) => state === "unknown")) return EXIT_CODES.tool;
    return exitCode && states.some(({ state }) => state === "outdated")
      ? EXIT_CODES.failed
      : undefined;
  },
});
export default verb;

/** What went wrong, and what it came from, on one line. */
function reasonOf(problem: MbctlError): string {
  const { message, causes } = errorFacts(problem, false);
  const cause = causes.at(-1)?.trim().split("\n").at(-1);
  return cause === undefined ? message : `${message}: ${cause}`;
}

if (import.meta.main) await runScript(verb);
