/**
 * Golden files of this room. `UPDATE_GOLDEN=1 bun test test/cli` writes them anew;
 * read the difference before it is committed.
 *
 * @module
 */

import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Compares a whole text with `test/golden/cli/NAME`. */
export function expectGolden(name: string, text: string): void {
  const path = join(import.meta.dir, "../golden/cli", name);
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, "utf8"));
}
