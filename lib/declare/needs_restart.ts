/**
 * Which changes of a machine's files count for a machine that runs only when it starts again. Pure.
 *
 * @module
 */

import type { EditedFiles } from "../change/present_machine.ts";
import { KEEP_NAME } from "../nspawn/machine_unit.ts";
import { parseUnitFile, unitEntries } from "../nspawn/unit_file.ts";
import { VOLUMES_NAME } from "../nspawn/unit_volumes.ts";

/**
 * Settings of the unit that systemd takes over by `daemon-reload`: how it starts again, how it is stopped, its order,
 * and the limits of its cgroup (systemd.resource-control(5)). `ExecStartPost=` gives the program the same limits, which
 * the step `live-limits` does for one that runs.
 */
const live =
  /^(Unit\.(After|Before|Wants|Requires|BindsTo|Description|StartLimit\w+)|Service\.(Restart\w*|ExecStartPost|ExecStop|ExecStopPost|TimeoutStopSec|MemoryMax|MemorySwapMax|MemoryHigh|CPUQuota|CPUWeight|TasksMax|IOWeight))$/;

/** What a start is needed for, as words for people; none when the change counts at once. */
export function restartReasons(before: EditedFiles, after: EditedFiles): string[] {
  const reasons: string[] = [];
  if (meaning(before.nspawn) !== meaning(after.nspawn)) reasons.push("container.nspawn");
  if (variables(before.envFile) !== variables(after.envFile)) reasons.push("man8env.env");
  const keys = changedKeys(before.unitDropIn, after.unitDropIn).filter((key) => !live.test(key));
  if (keys.length > 0) reasons.push(keys.map((key) => key.slice(key.indexOf(".") + 1)).join(", "));
  return reasons;
}

/** Entries alone: a changed comment restarts nothing. */
function meaning(text: string): string {
  return JSON.stringify(
    unitEntries(parseUnitFile(text)).map(({ section, key, value }) => [section, key, value]),
  );
}

function variables(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#") && line.trim() !== "")
    .join("\n");
}

/** Keys whose list of values differs, sorted. */
function changedKeys(before: string, after: string): string[] {
  const read = (text: string) => {
    const values = new Map<string, string[]>();
    for (const { section, key, value } of unitEntries(parseUnitFile(text))) {
      // They do nothing for the machine itself: one that an older mbctl made goes on running.
      if (value.endsWith(` ${KEEP_NAME}`) || value.includes(`' ${VOLUMES_NAME} `)) continue;
      const id = `${section}.${key}`;
      values.set(id, [...(values.get(id) ?? []), value]);
    }
    return values;
  };
  const [one, two] = [read(before), read(after)];
  return [...new Set([...one.keys(), ...two.keys()])]
    .filter((id) => JSON.stringify(one.get(id)) !== JSON.stringify(two.get(id)))
    .sort();
}
