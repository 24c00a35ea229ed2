/**
 * Changes of `[[secrets]]` in a machine's machine.toml, applied at once.
 *
 * @module
 */

import type { Change } from "../change/apply_change.ts";
import { readPresentMachine } from "../change/present_machine.ts";
import { converge, readRunning } from "../declare/converge.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { machinePaths } from "../machine/paths.ts";
import { readCommonFacts } from "../machine/pull.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { parseDeclaration } from "../spec/machine_toml.ts";

/**
 * Plans an edit of machine.toml. It counts from the machine's next start.
 *
 * @param edit gets the text of machine.toml, and returns what it is to be.
 * @returns undefined when nothing changes.
 * @throws {MbctlError} (conflict) when machine.toml has edits that were not applied, which are not this verb's to
 * apply, or when its administrator changed what has to change.
 */
export async function planUses(
  host: Host,
  name: MachineName,
  edit: (text: string) => string,
  warn: (text: string) => void,
): Promise<Change | undefined> {
  const { machineToml, appliedToml } = readPresentMachine(host, name);
  const text = edit(machineToml);
  if (text === machineToml) return undefined;
  const notApplied = () =>
    new MbctlError(
      "conflict",
      `Cannot change the secrets of "${name}": its machine.toml is not what was applied last`,
      { hint: `mbctl machines apply ${name}` },
    );
  if (appliedToml !== machineToml) throw notApplied();
  const file = machinePaths(host.root, name).machineToml;
  const declared = { file, text, declaration: parseDeclaration(text, file) };
  const [common, running] = await Promise.all([readCommonFacts(host), readRunning(host, [name])]);
  const found = await converge(host, declared, {
    ...{ common, running, prefer: undefined },
    mayRestart: false,
    warn,
    locate: () => {
      throw notApplied();
    },
  });
  return found.kind === "change" ? found.plan.change : undefined;
}
