/**
 * Declarations of machines, found where a user points: a file, a folder of files, or a machine's own machine.toml.
 *
 * @module
 */

import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { usageError } from "../errors.ts";
import { explainDenial, isErrno, listDirectory, nameExists } from "../host/files.ts";
import { foldersBelow, machinePaths } from "../paths.ts";
import { isMachineName, parseMachineName } from "../spec/machine_name.ts";
import type { MachineDeclaration } from "../spec/machine_spec.ts";
import { parseDeclaration } from "../spec/machine_toml.ts";

/** A declaration, and where it stands. */
export interface Declared {
  readonly file: string;
  /** The file's text, which becomes machine.toml: comments and order are the administrator's. */
  readonly text: string;
  readonly declaration: MachineDeclaration;
}

/** A machine.toml has some kilobytes; what is far larger is another file. */
const largestBytes = 1024 * 1024;

/**
 * Reads what the operands name. A word without a slash that is no file is the name of a machine, and means its own
 * machine.toml. Of a folder: its machine.toml, or else all `*.toml` in it and each `FOLDER/machine.toml` below.
 *
 * @param from the working directory.
 * @throws {MbctlError} (usage) for a path without declarations, a file that cannot be read, and for two
 * declarations of one machine.
 */
export function readDeclarations(
  root: string,
  operands: readonly string[],
  from: string,
): Declared[] {
  const files = operands.flatMap((operand) =>
    readable(operand, () => filesOf(root, operand, from)),
  );
  const declared = [...new Set(files)].map((file) =>
    readable(file, () => readDeclared(root, file)),
  );
  const byName = new Map<string, Declared>();
  for (const one of declared) {
    const { name } = one.declaration;
    const other = byName.get(name);
    if (other !== undefined) {
      throw usageError(
        `Cannot apply two declarations of the machine "${name}": ${other.file} and ${one.file}`,
        "name one of them alone",
      );
    }
    byName.set(name, one);
  }
  return declared;
}

/** What may not be read is said so. */
function readable<Found>(path: string, read: () => Found): Found {
  try {
    return read();
  } catch (error) {
    throw explainDenial(path, error);
  }
}

function filesOf(root: string, operand: string, from: string): string[] {
  const path = resolve(from, operand);
  const entry = entryOf(path);
  if (entry === undefined && isMachineName(operand)) {
    const own = machinePaths(root, parseMachineName(operand)).machineToml;
    if (nameExists(own)) return [own];
  }
  if (entry === undefined) {
    throw usageError(
      `Cannot apply "${operand}": there is no such file, and no machine of that name`,
      "name a machine.toml, a folder of such files, or a machine",
    );
  }
  if (!entry.isDirectory()) return [path];
  const own = join(path, "machine.toml");
  if (nameExists(own)) return [own];
  const found = listDirectory(path).flatMap((name) => {
    if (name.startsWith(".")) return [];
    const below = join(path, name, "machine.toml");
    if (name.endsWith(".toml")) return [join(path, name)];
    return entryOf(join(path, name))?.isDirectory() && nameExists(below) ? [below] : [];
  });
  if (found.length > 0) return found;
  throw usageError(
    `Cannot apply "${operand}": the folder holds no declaration`,
    "it is looked for as machine.toml, *.toml and */machine.toml",
  );
}

/** Links are followed: a file of the administrator's may well be one. */
function entryOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isErrno(error, "ENOTDIR", "ENAMETOOLONG", "ELOOP")) return undefined;
    throw error;
  }
}

function readDeclared(root: string, file: string): Declared {
  const entry = statSync(file);
  if (!entry.isFile() || entry.size > largestBytes) {
    throw usageError(`Cannot read "${file}": it is no file of up to 1 MiB`);
  }
  const text = readFileSync(file, "utf8");
  const declaration = parseDeclaration(text, file, nameFrom(file));
  const { configurations } = foldersBelow(root);
  const owner = basename(dirname(file));
  if (dirname(dirname(file)) === configurations && owner !== declaration.name) {
    throw usageError(
      `Cannot apply "${file}": it is the machine "${owner}", and says name = "${declaration.name}"`,
      `mbctl machines rename ${owner} ${declaration.name} gives it another name`,
    );
  }
  return { file, text, declaration };
}

/** What a machine is called whose file does not say: `web.toml`, `web/machine.toml`. */
function nameFrom(file: string): string {
  const name = basename(file, ".toml");
  return name === "machine" ? basename(dirname(file)) : name;
}
