import { expect, test } from "bun:test";
import * as v from "valibot";
import { describeIssues } from "../../lib/config/schema_issues.ts";

const schema = v.strictObject({
  name: v.string(),
  allow: v.optional(v.array(v.string())),
  domain: v.optional(v.pipe(v.string(), v.regex(/^[a-z]+$/, "a domain name"))),
  seconds: v.optional(v.pipe(v.number(), v.integer())),
  path: v.optional(v.pipe(v.string(), v.startsWith("/"))),
  image: v.optional(v.strictObject({ digest: v.string() })),
});

const rows: readonly (readonly [what: string, data: unknown, text: string])[] = [
  ["a key that nobody knows", { name: "a", allwo: [] }, 'unknown key "allwo"'],
  ["one in a table", { name: "a", image: { digest: "", digst: "" } }, 'unknown key "image.digst"'],
  ["a key that is missing", {}, 'the key "name" is missing'],
  ["one in a table", { name: "a", image: {} }, 'the key "image.digest" is missing'],
  ["another type", { name: "a", allow: "trusted" }, 'allow: expected Array but received "trusted"'],
  ["one in a list", { name: "a", allow: ["b", 2] }, "allow.1: expected string but received 2"],
  ["what a schema of ours wants", { name: "a", domain: "A" }, 'domain: "A" is not a domain name'],
  [
    "a number of another kind",
    { name: "a", seconds: 1.5 },
    "seconds: invalid integer: Received 1.5",
  ],
  [
    "a text that begins otherwise",
    { name: "a", path: "b" },
    'path: invalid start: Expected "/" but received "b"',
  ],
  ["two things", { name: 1, x: 2 }, 'name: expected string but received 1; unknown key "x"'],
  ["no table at all", 5, "expected Object but received 5"],
];

test("describeIssues() says what keys a table has, where none is near", () => {
  const read = v.safeParse(schema, { name: "a", image: { digest: "", colour: "" } });
  const context = { text: "", schema };
  expect(read.success ? "" : describeIssues(read.issues, context)).toMatch(
    /^unknown key "image.colour", there are .*digest/,
  );
});

test.each(rows)("describeIssues() names %s", (_, data, text) => {
  const read = v.safeParse(schema, data);
  expect(read.success ? "" : describeIssues(read.issues)).toBe(text);
});
