import { describe, expect, test } from "bun:test";
import { type LendOption, parseLend } from "../../lib/connector/lend_option.ts";

describe("parseLend()", () => {
  test("reads a command, its words, and a list of JSON", () => {
    const rows: readonly (readonly [text: string, option: LendOption])[] = [
      ["nginx", ["nginx", ["nginx"]]],
      ["psql=/usr/bin/psql  -U postgres", ["psql", ["/usr/bin/psql", "-U", "postgres"]]],
      ["g++=cc=x", ["g++", ["cc=x"]]],
      ['say=["echo", "a b", ""]', ["say", ["echo", "a b", ""]]],
    ];
    for (const [text, option] of rows) expect([text, parseLend(text)]).toEqual([text, option]);
  });

  test("refuses names that no file may have, and words that a shell would change", () => {
    const rows = [
      ...["", "=x", "a/b", ".socket", "..", "a b=c", `${"a".repeat(65)}=x`],
      ...["a=", "a= ", "a='b c'", "a=$HOME", "a=`id`", "a=[1]", "a=[", 'a=[""]', "a=[]"],
    ];
    for (const text of rows) {
      expect(() => parseLend(text), text).toThrow(`Cannot lend ${JSON.stringify(text)}: `);
    }
  });
});
