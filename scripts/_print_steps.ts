/** What a dry run shows. */

import type { VerbContext } from "../lib/cli/context.ts";
import { describeStep, type Step } from "../lib/steps/step.ts";

/** Prints a line for each step. */
export function printSteps({ out }: Pick<VerbContext, "out">, steps: readonly Step[]): void {
  for (const step of steps) out.print(describeStep(step));
}
