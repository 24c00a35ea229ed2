import { expect, test } from "bun:test";
import { parseAppName } from "../../lib/spec/app_name.ts";

test.each(["web", "a", "0", "pg_15.1-main"])("%s is the name of an application", (text) => {
  expect(String(parseAppName(text))).toBe(text);
});

test.each(["", "Web", "-a", ".a", "a/b", "a%b", "a b", "a".repeat(33), "a-log", "a-health", "ä"])(
  "%p is none",
  (text) => {
    expect(() => parseAppName(text)).toThrow("as the name of an application");
  },
);
