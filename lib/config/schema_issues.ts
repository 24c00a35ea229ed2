/**
 * What a schema does not like in a file, in a person's words.
 *
 * @module
 */

import * as v from "valibot";
import { nearest } from "../cli/suggest.ts";
import { lineOfKey } from "./key_line.ts";
import { schemaKeys } from "./schema_keys.ts";

type Issue = v.BaseIssue<unknown>;

/** What makes a message better: the text, for lines, and the schema, for the nearest key. */
export interface IssueContext {
  readonly text: string;
  readonly schema: unknown;
}

/** All of them on one line: `line 3: unknown key "allwo", did you mean "allow"?; allow: expected Array but received "trusted"`. */
export function describeIssues(issues: readonly Issue[], context?: IssueContext): string {
  return issues.map((issue) => describeIssue(issue, context)).join("; ");
}

/** One of them, the key first: it is what has to be found in the file. */
export function describeIssue(issue: Issue, context?: IssueContext): string {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  const line = context === undefined ? undefined : lineOfKey(context.text, path);
  const before = line === undefined ? "" : `line ${line}: `;
  return before + describe(issue, path, context);
}

function describe(
  issue: Issue,
  path: readonly (string | number)[],
  context: IssueContext | undefined,
): string {
  const key = v.getDotPath(issue) ?? "";
  const { type, received, expected, message } = issue;
  if (type === "strict_object" && expected === "never") {
    const known = context === undefined ? [] : schemaKeys(context.schema, path.slice(0, -1));
    const meant = nearest(String(path.at(-1)), known);
    if (meant !== undefined) return `unknown key ${JSON.stringify(key)}, did you mean "${meant}"?`;
    // Of a table all keys; of a whole file they would be too many.
    const there = path.length > 1 && known.length > 0 ? `, there are ${known.join(", ")}` : "";
    return `unknown key ${JSON.stringify(key)}${there}`;
  }
  if (received === "undefined") return `the key ${JSON.stringify(key)} is missing`;
  const before = key === "" ? "" : `${key}: `;
  // A schema of ours says in its message what is wanted: "the name of a host".
  if (!message.startsWith("Invalid ")) return `${before}${received} is not ${message}`;
  return `${before}${message.replace(/^Invalid type: E/, "e").replace(/^Invalid/, "invalid")}`;
}
