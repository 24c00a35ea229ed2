/**
 * What a host has for making systems.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { installHint } from "../host/install_hint.ts";
import { hasProgram } from "../host/run.ts";
import { bootstrapPrograms } from "./bootstrap_plan.ts";
import type { BootstrapHost } from "./bootstrap_request.ts";

/** Looks at the programs and keys of the host that we run on. */
export function readBootstrapHost(): BootstrapHost {
  return {
    programs: bootstrapPrograms.filter(hasProgram),
    hasFile: existsSync,
    installHint,
    architecture: process.arch === "arm64" ? "arm64" : "x64",
  };
}
