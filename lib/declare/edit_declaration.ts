/**
 * A machine's declaration in an editor.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { quoteWord } from "../env/posix_sh.ts";
import { MbctlError, usageError } from "../errors.ts";
import { readTextIfPresent, writeFileDurably } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { noSuchMachine } from "../machine/inventory.ts";
import { foldersBelow, machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { parseDeclaration } from "../spec/machine_toml.ts";
import { removeTree } from "../trees/remove_tree.ts";
import type { Declared } from "./read_declarations.ts";

export interface Edited {
  /** The edit, in a file of its own: an edit that cannot be applied is not lost. */
  readonly declared: Declared;
  /** Removes that file. */
  discard(): void;
}

/**
 * Opens a copy of machine.toml, and reads what becomes of it.
 *
 * @param editor a command, in shell words; it gets the file's name as its last word.
 * @param again told what is wrong with the edit; whether to open it again.
 * @returns undefined when nothing was edited.
 * @throws {MbctlError} (usage) when the edit cannot be read, and is not edited again; it is kept.
 */
export async function editDeclaration(
  host: Host,
  name: MachineName,
  editor: string,
  again: (problem: MbctlError) => Promise<boolean>,
): Promise<Edited | undefined> {
  const before = readTextIfPresent(machinePaths(host.root, name).machineToml);
  if (before === undefined) throw noSuchMachine(host.root, name);
  const { state } = foldersBelow(host.root);
  mkdirSync(state, { recursive: true, mode: 0o755 });
  // Root's alone: variables in it may be secret.
  const folder = mkdtempSync(join(state, "edit-"));
  const file = join(folder, `${name}.toml`);
  writeFileDurably(file, before, 0o600);
  for (;;) {
    const isTyped = () => readTextIfPresent(file) !== before;
    try {
      await openEditor(host, editor, file, isTyped);
    } catch (error) {
      if (!isTyped()) removeTree(folder);
      throw error;
    }
    const text = readFileSync(file, "utf8");
    if (text === before) {
      removeTree(folder);
      return undefined;
    }
    try {
      const declaration = parseDeclaration(text, file, name);
      if (declaration.name !== name) {
        throw usageError(
          `Cannot edit "${name}": its declaration says name = "${declaration.name}"`,
          `mbctl machines rename ${name} ${declaration.name} gives it another name`,
        );
      }
      return { declared: { file, text, declaration }, discard: () => removeTree(folder) };
    } catch (error) {
      if (!(error instanceof MbctlError)) throw error;
      if (!(await again(error))) throw error;
    }
  }
}

async function openEditor(
  host: Host,
  editor: string,
  file: string,
  isTyped: () => boolean,
): Promise<void> {
  // As git does it: $EDITOR may have words and quotes of its own.
  const script = `${editor} ${quoteWord(file)}`;
  const child = host.spawn(["/bin/sh", "-c", script], { stdin: 0, stdout: 1, stderr: 2 });
  try {
    await child.done();
  } catch (cause) {
    if (cause instanceof MbctlError && cause.kind === "interrupted") throw cause;
    throw new MbctlError("tool", `Cannot edit: the editor "${editor}" failed`, {
      cause,
      hint: `set VISUAL or EDITOR to an editor of yours${isTyped() ? `; what was typed is in ${file}` : ""}`,
    });
  }
}
