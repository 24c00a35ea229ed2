/**
 * The files of a machine rendered anew, and merged with what its administrator made of them. Pure.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { ImageConfig } from "../image/config.ts";
import { type MachineFiles, type HostFacts, renderMachine } from "../render/render.ts";
import { formatConflict, hideEnvLine, hideUnitLine } from "../merge/file_diff.ts";
import {
  type Conflict,
  mergeEnvFile,
  mergeUnitFile,
  type Preference,
} from "../merge/merge_file.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import type { EditedFiles, PresentMachine } from "./present_machine.ts";

/** A machine's files as they are to be. */
export interface Rerendering {
  /** What mbctl renders: the base of the next merge. */
  readonly rendered: MachineFiles;
  /** What is to lie on the disk; latin1. */
  readonly merged: EditedFiles;
  /** What both sides changed, by the name of the file. */
  readonly conflicts: readonly (Conflict & { readonly file: FileName })[];
}

export type FileName = "container.nspawn" | "man8env.env" | "50-mbctl.conf";

/**
 * Renders a machine anew.
 *
 * @param prefer what counts where both sides changed the same.
 * @throws {MbctlError} (usage) for what no file can hold.
 */
export function rerender(
  present: PresentMachine,
  spec: MachineSpec,
  image: ImageConfig,
  facts: HostFacts,
  prefer?: Preference,
): Rerendering {
  const rendered = renderMachine(spec, image, facts);
  const theirs: EditedFiles = {
    nspawn: toLatin1(rendered.nspawn),
    envFile: toLatin1(rendered.envFile),
    unitDropIn: toLatin1(rendered.unitDropIn),
  };
  // A machine of an older mbctl: what differs from the rendering of what it was is taken for its
  // administrator's, so that nothing of it can be lost.
  const base =
    present.base ??
    baseOf(renderMachine(present.spec, present.image?.config ?? image, facts, { isOlder: true }));
  const { ours } = present;
  // A file that is gone is rendered anew.
  const merge = (merger: typeof mergeEnvFile, key: keyof EditedFiles) =>
    ours[key] === ""
      ? { text: theirs[key], conflicts: [] }
      : merger(base[key], ours[key], theirs[key], prefer);
  const nspawn = merge(mergeUnitFile, "nspawn");
  const envFile = merge(mergeEnvFile, "envFile");
  const unitDropIn = merge(mergeUnitFile, "unitDropIn");
  const inFile = (file: FileName, conflicts: readonly Conflict[]) =>
    conflicts.map((conflict) => ({ ...conflict, file }));
  return {
    rendered,
    merged: { nspawn: nspawn.text, envFile: envFile.text, unitDropIn: unitDropIn.text },
    conflicts: [
      ...inFile("container.nspawn", nspawn.conflicts),
      ...inFile("man8env.env", envFile.conflicts),
      ...inFile("50-mbctl.conf", unitDropIn.conflicts),
    ],
  };
}

/**
 * Wants no conflict to be left to the user.
 *
 * @throws {MbctlError} (conflict) showing both sides of each; values of variables are hidden.
 */
export function requireNoConflicts(
  name: string,
  { conflicts }: Rerendering,
  prefer: Preference | undefined,
): void {
  if (conflicts.length === 0 || prefer !== undefined) return;
  const lines = conflicts.map(
    (conflict) =>
      `\n${conflict.file}, ${formatConflict(conflict, conflict.file === "man8env.env" ? hideEnvLine : hideUnitLine).trimEnd()}`,
  );
  throw new MbctlError(
    "conflict",
    `Cannot merge your edits of "${name}" with what changed: both sides changed ${conflicts.length === 1 ? "an entry" : `${conflicts.length} entries`}${lines.join("")}`,
    { hint: "--ours keeps yours, --theirs takes mbctl's; or edit the file first" },
  );
}

function baseOf({ nspawn, envFile, unitDropIn }: MachineFiles): EditedFiles {
  return {
    nspawn: toLatin1(nspawn),
    envFile: toLatin1(envFile),
    unitDropIn: toLatin1(unitDropIn),
  };
}

/** A text as the string whose characters are its UTF-8 bytes. */
export function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
