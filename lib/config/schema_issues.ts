/**
 * What a schema does not like in a file, in a person's words.
 *
 * @module
 */

import * as v from "valibot";

type Issue = v.BaseIssue<unknown>;

/** All of them on one line: `unknown key "allwo"; allow: expected Array but received "trusted"`. */
export function describeIssues(issues: readonly Issue[]): string {
  return issues.map(describeIssue).join("; ");
}

/** One of them, the key first: it is what has to be found in the file. */
export function describeIssue(issue: Issue): string {
  const key = v.getDotPath(issue) ?? "";
  const { type, received, expected, message } = issue;
  if (type === "strict_object" && expected === "never") return `unknown key ${JSON.stringify(key)}`;
  if (received === "undefined") return `the key ${JSON.stringify(key)} is missing`;
  const before = key === "" ? "" : `${key}: `;
  // A schema of ours says in its message what is wanted: "the name of a host".
  if (!message.startsWith("Invalid ")) return `${before}${received} is not ${message}`;
  return `${before}${message.replace(/^Invalid type: E/, "e").replace(/^Invalid/, "invalid")}`;
}
