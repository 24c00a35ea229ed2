/** Whole-file comparison with test/golden/. `UPDATE_GOLDEN=1 bun test` writes the files anew. */

import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Wants `text` to be the content of test/golden/`name`.
 *
 * @throws when there is no such file, or on a difference.
 */
export function expectGolden(name: string, text: string): void {
  const path = join(import.meta.dir, name);
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, "utf8"));
}
