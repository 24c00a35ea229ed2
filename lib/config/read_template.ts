/**
 * Finds a template: those of mbctl, and those of the administrator in /etc/mbctl/templates/.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError, usageError } from "../errors.ts";
import { listDirectory, readTextIfPresent } from "../host/files.ts";
import { builtinTemplates } from "../network/builtin_templates.ts";
import type { NetworkTemplate } from "../network/template.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { foldersBelow } from "../paths.ts";
import { parseTemplate } from "./template_toml.ts";

const ending = ".toml";

/** The administrator's templates: names, sorted. */
function ownTemplates(root: string): string[] {
  return listDirectory(foldersBelow(root).templates)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length))
    .sort();
}

/**
 * Reads the template of that name; mbctl's own where two have it.
 *
 * @param machine the machine that has it, for the message.
 * @throws {MbctlError} (usage) when there is no such template, or its file is wrong.
 */
export function readTemplate(root: string, name: string, machine?: MachineName): NetworkTemplate {
  const builtin = builtinTemplates.get(name);
  if (builtin !== undefined) {
    return parseTemplate(builtin, name, `systemd-configs/templates/${name}${ending}`);
  }
  const known = ownTemplates(root);
  if (known.includes(name)) {
    const file = join(foldersBelow(root).templates, `${name}${ending}`);
    return parseTemplate(readTextIfPresent(file) ?? "", name, file);
  }
  const owner = machine === undefined ? "" : ` of the machine "${machine}"`;
  throw usageError(
    `Cannot find the template ${JSON.stringify(name)}${owner}: there is no such template`,
    `there are: ${[...builtinTemplates.keys(), ...known].join(", ")}; ${foldersBelow(root).templates} takes more`,
  );
}

/**
 * Wants no file of the administrator's to have the name of one of mbctl's templates: he would believe that it counts.
 *
 * @throws {MbctlError} (conflict)
 */
export function requireOwnNames(root: string): void {
  const taken = ownTemplates(root).find((name) => builtinTemplates.has(name));
  if (taken === undefined) return;
  const file = join(foldersBelow(root).templates, `${taken}${ending}`);
  throw new MbctlError(
    "conflict",
    `Cannot use the template ${JSON.stringify(file)}: "${taken}" is a template of mbctl itself`,
    { hint: `give the file another name, and pull with --template NAME` },
  );
}
