/**
 * The program, and the only file that is compiled as an entry: which verbs there
 * are, in the order of the help page, and where each is. Imports are literal, so
 * that the bundler sees them, and lazy, so that a verb costs nothing until it is called.
 *
 * @module
 */

import type { VerbTable } from "../lib/cli/dispatch.ts";
import { runProgram } from "../lib/cli/main.ts";

export const verbTable: VerbTable = {
  "machines pull": () => import("./machines-pull.ts"),
  "machines list": () => import("./machines-list.ts"),
  "machines show": () => import("./machines-show.ts"),
  "machines start": () => import("./machines-start.ts"),
  "machines stop": () => import("./machines-stop.ts"),
  "machines restart": () => import("./machines-restart.ts"),
  "machines enable": () => import("./machines-enable.ts"),
  "machines disable": () => import("./machines-disable.ts"),
  "machines logs": () => import("./machines-logs.ts"),
  "machines shell": () => import("./machines-shell.ts"),
  "machines remove": () => import("./machines-remove.ts"),
  "oci inspect": () => import("./oci-inspect.ts"),
  "oci download": () => import("./oci-download.ts"),
  "oci man8init": () => import("./oci-man8init.ts"),
  "address get": () => import("./address-get.ts"),
  "address getsuffix": () => import("./address-getsuffix.ts"),
  "cache clear": () => import("./cache-clear.ts"),
  completion: () => import("./completion.ts"),
  version: () => import("./version.ts"),
};

if (import.meta.main) await runProgram(verbTable);
