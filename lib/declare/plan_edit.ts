/**
 * Edits of one choice in a machine's machine.toml, applied at once.
 *
 * @module
 */

import { readPresentMachine } from "../change/present_machine.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { machinePaths } from "../paths.ts";
import { readCommonFacts } from "../steps/pull.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { parseDeclaration } from "../spec/machine_toml.ts";
import { converge, readRunning } from "./converge.ts";
import type { DeclaredChange } from "./plan_declared.ts";

/**
 * Plans an edit of machine.toml. A machine that runs is not restarted for it.
 *
 * @param what is edited, for messages: `the secrets of "web"`.
 * @param edit gets the text of machine.toml, and returns what it is to be.
 * @returns undefined when nothing changes.
 * @throws {MbctlError} (conflict) when machine.toml has edits that were not applied, which are not this verb's to
 * apply, or when its administrator changed what has to change.
 */
export async function planEdit(
  host: Host,
  name: MachineName,
  what: string,
  edit: (text: string) => string,
  warn: (text: string) => void,
): Promise<DeclaredChange | undefined> {
  const { machineToml, appliedToml } = readPresentMachine(host, name);
  const text = edit(machineToml);
  if (text === machineToml) return undefined;
  const notApplied = () =>
    new MbctlError(
      "conflict",
      `Cannot change ${what}: its machine.toml is not what was applied last`,
      { hint: `mbctl machines apply ${name}` },
    );
  if (appliedToml !== machineToml) throw notApplied();
  const file = machinePaths(host.root, name).machineToml;
  const declared = { file, text, declaration: parseDeclaration(text, file) };
  const [common, running] = await Promise.all([readCommonFacts(host), readRunning(host, [name])]);
  const found = await converge(host, declared, {
    ...{ common, running, prefer: undefined },
    mayRestart: false,
    hasApps: false,
    warn,
    locate: () => {
      throw notApplied();
    },
  });
  return found.kind === "change" ? found.plan : undefined;
}
