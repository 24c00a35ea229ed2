/**
 * A template's file; systemd-configs/templates/ has mbctl's own, with a comment for each key.
 *
 * @module
 */

import * as v from "valibot";
import { usageError } from "../errors.ts";
import { interfaceNamePattern, type NetworkTemplate } from "../network/template.ts";
import { parseToml } from "./toml.ts";
import { describeIssue } from "./schema_issues.ts";

const line = v.pipe(v.string(), v.nonEmpty(), v.regex(/^[^\n]*$/, "one line"));

const schema = v.strictObject({
  summary: line,
  warning: v.optional(line),
  network: v.variant("kind", [
    v.strictObject({ kind: v.picklist(["bridge", "host", "private"]) }),
    v.strictObject({
      kind: v.literal("macvlan"),
      parent: v.optional(
        v.pipe(
          v.string(),
          v.check(
            (name) => name === "" || interfaceNamePattern.test(name),
            'the name of an interface, or "" for that of the default route',
          ),
        ),
        "",
      ),
      vlan: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4094))),
    }),
  ]),
});

/**
 * Reads a template.
 *
 * @param file the file's name, for messages.
 * @throws {MbctlError} (usage) with file, line, key, and what was expected.
 */
export function parseTemplate(text: string, name: string, file: string): NetworkTemplate {
  const read = v.safeParse(schema, parseToml(text, file));
  if (read.success) return { name, ...read.output };
  const [issue] = read.issues;
  const key = v.getDotPath(issue) ?? "";
  const at = lineOf(text, key.split(".").at(-1) ?? "");
  throw usageError(
    `Cannot read ${JSON.stringify(file)}: ${at === 0 ? "" : `line ${at}, `}${describeIssue(issue)}`,
    "mend the file; the README shows every key",
  );
}

/** Where a key stands, counted from 1; 0 for one that is missing. No key of a template stands in two tables. */
function lineOf(text: string, key: string): number {
  return (
    1 +
    text.split("\n").findIndex((row) => new RegExp(`^\\s*\\[?"?${RegExp.escape(key)}\\b`).test(row))
  );
}
