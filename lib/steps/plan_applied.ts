/**
 * What mbctl keeps of its own rendering, beside the files that an administrator may edit.
 *
 * @module
 */

import type { AppliedPaths } from "../paths.ts";
import type { MachineFiles } from "../render/render.ts";
import type { Step } from "./step.ts";

/** Writes the rendering and the image's configuration into the hidden folder of a configuration folder. */
export function planApplied(applied: AppliedPaths, files: MachineFiles, imageText: string): Step[] {
  const write = (path: string, text: string): Step => ({
    kind: "write-file",
    path,
    text,
    mode: 0o600,
  });
  return [
    { kind: "make-directory", path: applied.folder, mode: 0o700 },
    write(applied.machineToml, files.machineToml),
    write(applied.nspawn, files.nspawn),
    write(applied.envFile, files.envFile),
    write(applied.unitDropIn, files.unitDropIn),
    write(applied.image, imageText),
  ];
}
