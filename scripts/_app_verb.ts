/** The operands of the verbs of applications. */

import { parseAppName } from "../lib/spec/app_name.ts";
import { parseMachineName } from "../lib/spec/machine_name.ts";

export const machineOperand = {
  kind: "machine",
  help: "the machine: a whole system",
  parse: parseMachineName,
} as const;

export const appOperand = { kind: "app", help: "the application", parse: parseAppName } as const;
