import { describe, expect, test } from "bun:test";
import { findUser, parseIdentity, type UserIds } from "../../lib/watch/image_user.ts";

const files = {
  passwd: `root:x:0:0:root:/root:/bin/sh
app:x:1000:1001::/home/app:/bin/sh
1234:x:7:8::/seven:
broken
app:x:9:9::/second:
odd:x:x:5::/odd:
bare:x:12:13
`,
  group: `root:x:0:
app:x:1001:
extra:x:2000:root,app
own:x:1001:app
1:x:3000:
short:x
`,
};

describe("findUser()", () => {
  const rows: readonly (readonly [text: string, ids: UserIds & { home: string }])[] = [
    ["root", { uid: 0, gid: 0, groups: [2000], home: "/root" }],
    ["", { uid: 0, gid: 0, groups: [2000], home: "/root" }],
    ["app", { uid: 1000, gid: 1001, groups: [2000], home: "/home/app" }],
    ["app:", { uid: 1000, gid: 1001, groups: [2000], home: "/home/app" }],
    ["1000", { uid: 1000, gid: 1001, groups: [2000], home: "/home/app" }],
    ["app:extra", { uid: 1000, gid: 2000, groups: [], home: "/home/app" }],
    ["app:7", { uid: 1000, gid: 7, groups: [], home: "/home/app" }],
    // A number is an id before it is a name.
    ["1234", { uid: 1234, gid: 0, groups: [], home: "/" }],
    ["55:1", { uid: 55, gid: 1, groups: [], home: "/" }],
    ["bare", { uid: 12, gid: 13, groups: [], home: "/" }],
  ];
  test.each(rows)("%j", (text, ids) => expect(findUser(text, files)).toEqual(ids));

  test("needs no files for numbers", () => {
    expect(findUser("5:6", { passwd: "", group: "" })).toEqual({
      uid: 5,
      gid: 6,
      groups: [],
      home: "/",
    });
  });

  test.each(["nobody", "odd", "app:nogroup", "-1", "4294967295"])("refuses %j", (text) => {
    expect(() => findUser(text, files)).toThrow(`Cannot run as "${text}"`);
  });
});

describe("parseIdentity()", () => {
  const rows: readonly (readonly [text: string, ids: UserIds | undefined])[] = [
    ["0 0\n", { uid: 0, gid: 0, groups: [] }],
    ["1000 1001 2 3\n", { uid: 1000, gid: 1001, groups: [2, 3] }],
    ["", undefined],
    ["1000\n", undefined],
    ["0 0 x\n", undefined],
    ["0  0\n", undefined],
    ["99999999999 0\n", undefined],
  ];
  test.each(rows)("%j", (text, ids) => expect(parseIdentity(text)).toEqual(ids));
});
