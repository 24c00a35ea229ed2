import { evaluateHost } from "../lib/check/evaluate_host.ts";
import { evaluateMachine } from "../lib/check/evaluate_machine.ts";
import { isSound } from "../lib/check/finding.ts";
import { readHost } from "../lib/check/read_host.ts";
import { readMachineFacts } from "../lib/check/read_machine.ts";
import { EXIT_CODES } from "../lib/cli/exit_codes.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";
import { renderFindings } from "./_findings.ts";

const verb = defineVerb({
  name: "host check",
  summary: "say what the host lacks, or why a machine is not reached",
  description:
    "Each line says how it stands (ok, note, warning, wrong, missing), what was seen, and the command that mends it. The exit code is 0 when nothing is wrong or missing, and 3 otherwise: without a name, whether pull and start will work; with a name, whether that machine can be reached.",
  reads: true,
  operands: {
    name: { kind: "machine", help: "this machine alone", parse: parseMachineName, optional: true },
  },
  examples: [
    { command: "mbctl host check", says: "all that pull and start need" },
    { command: "mbctl host check web", says: "addresses, routes, ports, and who may reach them" },
  ],
  async run(context, { name }) {
    const host = openHost(context);
    requireLive(host, "check the host");
    if (name === undefined) {
      const checks = evaluateHost(await readHost(host));
      const isReady = isSound(checks);
      context.out.answer({ isReady, checks }, () => renderFindings(checks));
      return isReady ? undefined : EXIT_CODES.host;
    }
    const facts = await readMachineFacts(host, name);
    const checks = evaluateMachine(facts);
    const isReachable = isSound(checks);
    const listeners = facts.live?.listeners ?? [];
    context.out.answer({ name, isReachable, checks, listeners, openTo: facts.access }, () =>
      renderFindings(checks),
    );
    return isReachable ? undefined : EXIT_CODES.host;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
