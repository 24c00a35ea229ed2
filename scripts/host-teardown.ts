import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { MbctlError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { requireLive } from "../lib/machine/lifecycle.ts";
import { takeSetupLock, waitForConfigLock } from "../lib/machine/lock.ts";
import { describeSetupStep } from "../lib/setup/setup_step.ts";
import { planRecovery, prepareTeardown, readRecord, takeBack } from "../lib/setup/take_back.ts";

const verb = defineVerb({
  name: "host teardown",
  summary: "take back what host setup has done",
  description:
    "Every file, service and setting becomes what it was before mbctl host setup. Refuses while there are machines. A file that was edited since is kept as FILE.mbctl-saved. A yggdrasil key that setup made goes too, unless it is to be kept.",
  changes: true,
  flags: {
    keepKey: { type: "boolean", help: "keep the yggdrasil configuration that setup made" },
  },
  examples: [
    { command: "mbctl host teardown --dry-run", says: "what would be done" },
    { command: "mbctl host teardown --keep-key", says: "a new setup gives the same addresses" },
  ],
  async run(context, { keepKey }) {
    requireLive(openHost(context), "take the host's set-up back");
    if (context.dryRun) {
      const host = openHost(context);
      const recovery = await planRecovery(host);
      const hasMore = readRecord(host).done !== undefined || recovery.length === 0;
      const { steps } = hasMore ? await prepareTeardown(host, keepKey) : { steps: [] };
      for (const step of [...recovery, ...steps]) context.out.print(describeSetupStep(step));
      return undefined;
    }
    using _lock = takeSetupLock(context.root);
    // config.toml is edited by others of us too, and counts as it is from here on.
    using _config = await waitForConfigLock(context.root, context);
    const host = openHost(context);
    const onStep = (text: string) => context.log.debug(text);
    const onWarning = (text: string) => context.log.warn(text);
    const notWhole = () =>
      new MbctlError("failed", "Cannot take all of the host's set-up back", {
        hint: "mend what is said above, then run mbctl host teardown again",
      });
    const recovery = await planRecovery(host);
    if (recovery.length > 0) {
      context.log.info("taking back what a setup had begun and not ended");
      if (!(await takeBack(host, recovery, onWarning, { onStep }))) throw notWhole();
      if (readRecord(host).done === undefined) return undefined;
    }
    const { steps, keyFile } = await prepareTeardown(host, keepKey);
    for (const step of steps) context.log.info(`  ${describeSetupStep(step)}`);
    if (keyFile !== undefined) {
      const isSure = await context.prompt.confirm({
        message: `Remove ${keyFile} with the yggdrasil key that setup made? Another key gives other addresses.`,
        flag: "--yes, or keep it with --keep-key",
      });
      if (!isSure) throw new MbctlError("interrupted", "Nothing was changed");
    }
    if (!(await takeBack(host, steps, onWarning, { onStep }))) throw notWhole();
    context.log.info("the host is as it was before mbctl host setup");
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
