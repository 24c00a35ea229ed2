/** What the verbs have in common that work on many machines at once. */

import type { VerbContext } from "../lib/cli/context.ts";
import { describeError } from "../lib/cli/exit_codes.ts";
import { type Cell, renderTable } from "../lib/cli/table.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import { MbctlError, usageError } from "../lib/errors.ts";
import { inParallel } from "../lib/machine/in_parallel.ts";
import { listMachineNames } from "../lib/machine/inventory.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";

/** The operands NAME…, which `--all` may stand for. */
export const namesOperand = {
  kind: "machine",
  label: "NAME",
  repeat: true,
  optional: true,
  help: "the machines",
  parse: parseMachineName,
} as const;

export const manyFlags = {
  all: { type: "boolean", help: "all machines" },
  jobs: {
    type: "integer",
    value: "N",
    min: 1,
    max: 16,
    default: 2,
    help: "on how many machines to work at once",
  },
} as const satisfies FlagSpecs;

/** @throws {MbctlError} (usage) when neither names nor `--all` are given, or both. */
export function namedMachines(
  root: string,
  names: readonly MachineName[] | undefined,
  all: boolean,
): readonly MachineName[] {
  const isNamed = names !== undefined && names.length > 0;
  if (all && isNamed) throw usageError("Cannot use --all with names", "leave one of them out");
  if (all) return listMachineNames(root);
  if (!isNamed) throw usageError("Cannot tell which machines are meant", "name them, or --all");
  return [...new Set(names)];
}

/**
 * Works on machines, and shows a table of what became of each. The error of a single one is thrown; of many,
 * each is told, and the others go on.
 *
 * @param row the table's further cells for a machine that was worked on.
 * @throws {MbctlError} of the kind of the first that failed.
 */
export async function workOnMachines<R>(
  { log, out, dryRun }: VerbContext,
  { names, jobs, what }: { names: readonly MachineName[]; jobs: number; what: string },
  work: (name: MachineName) => Promise<R>,
  headings: readonly string[],
  row: (result: R) => readonly Cell[],
): Promise<void> {
  const show = (rows: readonly (readonly Cell[])[]) =>
    out.answer({}, () => renderTable(["NAME", ...headings], rows));
  const [only] = names;
  if (only !== undefined && names.length === 1) {
    const result = await work(only);
    if (!dryRun) show([[only, ...row(result)]]);
    return;
  }
  // Steps that are shown must not be mixed.
  const results = await inParallel(names, dryRun ? 1 : jobs, work);
  const failures: { readonly name: MachineName; readonly error: MbctlError }[] = [];
  const rows = results.map((result, index): readonly Cell[] => {
    const name = names[index] as MachineName;
    if ("value" in result) return [name, ...row(result.value)];
    const { error } = result;
    if (!(error instanceof MbctlError)) throw error;
    failures.push({ name, error });
    return [name, ...headings.map((_, at) => (at === headings.length - 1 ? "failed" : undefined))];
  });
  for (const { error } of failures) log.warn(describeError(error, false).trimEnd());
  if (!dryRun) show(rows);
  const [first] = failures;
  if (first === undefined) return;
  throw new MbctlError(
    first.error.kind,
    `Cannot ${what} ${failures.length} of ${names.length} machines: ${failures.map(({ name }) => name).join(", ")}`,
  );
}
