/** The project's own files, and what they import. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The project's folder. */
export const project = join(import.meta.dir, "../..");

/** The text of a file, by its path in the project. */
export function textOf(path: string): string {
  return readFileSync(join(project, path), "utf8");
}

/** Paths in the project of all files below a folder, sorted. */
export function filesBelow(folder: string, ending = ""): string[] {
  if (!existsSync(join(project, folder))) return [];
  return readdirSync(join(project, folder), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(project, join(entry.parentPath, entry.name)))
    .sort();
}

/** An import, or a re-export, of a file. */
export interface Import {
  /** A file by its path in the project, `lib/errors.ts`; anything else by its name, `node:fs`. */
  readonly target: string;
  /** It names types alone, and is gone when the program runs. */
  readonly isType: boolean;
}

/** All imports of a TypeScript text, the lazy ones too. */
export function importsOf(path: string, text = textOf(path)): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, isType: boolean) => {
    const target = specifier.startsWith(".") ? join(dirname(path), specifier) : specifier;
    found.push({ target, isType });
  };
  const code = withoutComments(text);
  for (const [, type, clause = "", specifier = ""] of code.matchAll(
    /^(?:import|export)\s+(type\s+)?([\w$*{}\s,]*?)\s*from\s+"([^"]+)"/gm,
  )) {
    add(specifier, type !== undefined || namesTypesAlone(clause));
  }
  for (const [, specifier = ""] of code.matchAll(/^import\s+"([^"]+)"/gm)) add(specifier, false);
  for (const [, typeOf, specifier = ""] of code.matchAll(
    /(\btypeof\s+)?\bimport\(\s*"([^"]+)"\s*\)/g,
  )) {
    add(specifier, typeOf !== undefined);
  }
  return found;
}

/** The text with its comments blanked; line numbers stay. */
export function withoutComments(text: string): string {
  return text
    .replace(/^[ \t]*\/\*\*?[\s\S]*?\*\//gm, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/^[ \t]*\/\/.*$/gm, "");
}

function namesTypesAlone(clause: string): boolean {
  const names = /^\{([\s\S]*)\}$/.exec(clause.trim())?.[1];
  if (names === undefined) return false;
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .every((name) => name.startsWith("type "));
}
