import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { MbctlError } from "../../lib/errors.ts";
import { addUser, lockRoot, parseNewUser } from "../../lib/os/accounts.ts";

const files = {
  passwd: "root:x:0:0:root:/root:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n",
  group: "root:x:0:\nubuntu:x:1000:\nusers:x:1001:\nci:x:500:\n",
  shadow: "root:*:1:0:99999:7:::\n",
  gshadow: "root:*::\n",
  subuid: "ubuntu:100000:65536\n",
  subgid: "",
};

describe("parseNewUser()", () => {
  test.each([
    ["build", { name: "build" }],
    ["build:1001", { name: "build", uid: 1001 }],
    ["_x-1:500", { name: "_x-1", uid: 500 }],
    ["b:65533", { name: "b", uid: 65533 }],
  ])("reads %s", (text, user) => {
    expect(parseNewUser(text)).toEqual(user);
  });

  test.each([
    "",
    ":1",
    "root",
    "root:0",
    "a:0",
    "a:01",
    "a:65534",
    "a:x",
    "A",
    "1a",
    "a b",
    "a:1:2",
    "a\nb",
    "x".repeat(32),
  ])("refuses %j", (text) => {
    expect(() => parseNewUser(text)).toThrow(MbctlError);
  });
});

describe("addUser()", () => {
  test.each([
    // name, uid asked for, uid, gid
    ["build", undefined, 1002, 1002],
    ["build", 5000, 5000, 5000],
    // 1001 is a group's id: the user's own group gets another.
    ["build", 1001, 1001, 1002],
    // There is a group of that name.
    ["ci", 1500, 1500, 500],
  ])("gives %s with uid %p the uid %d and the group %d", (name, asked, uid, gid) => {
    const user = { name, ...(asked === undefined ? {} : { uid: asked }) };
    const added = addUser(files, user, "/bin/bash");
    expect(added.account).toEqual({ uid, gid, home: `/home/${name}` });
    expect(added.files.passwd).toBe(
      `${files.passwd}${name}:x:${uid}:${gid}::/home/${name}:/bin/bash\n`,
    );
    expect(added.files.shadow).toBe(`${files.shadow}${name}:!*:::::::\n`);
  });

  test("changes nothing of a user who is there with that uid", () => {
    const added = addUser(files, { name: "ubuntu", uid: 1000 }, "/bin/sh");
    expect(added).toEqual({
      files,
      account: { uid: 1000, gid: 1000, home: "/home/ubuntu" },
      isNew: false,
    });
  });

  test.each([
    [{ name: "ubuntu", uid: 1001 }, "the system has a user of that name, with uid 1000"],
    [{ name: "build", uid: 1000 }, 'the uid 1000 is that of "ubuntu"'],
  ])("refuses %j", (user, state) => {
    expect(() => addUser(files, user, "/bin/sh")).toThrow(state);
  });

  test("gives no subordinate ids to a user whose own id is among them", () => {
    expect(addUser(files, { name: "b", uid: 20_000 }, "/bin/sh").files.subuid).toBe(files.subuid);
    expect(addUser(files, { name: "b" }, "/bin/sh").files.subgid).toBe("b:10000:50000\n");
  });

  test("has each name and each uid once, whatever was there", () => {
    const id = fc.integer({ min: 1, max: 65533 });
    const present = fc.uniqueArray(id, { maxLength: 20 });
    fc.assert(
      fc.property(present, fc.option(id, { nil: undefined }), (ids, uid) => {
        const passwd = ids.map((id) => `u${id}:x:${id}:${id}::/:/bin/sh\n`).join("");
        const group = ids.map((id) => `u${id}:x:${id}:\n`).join("");
        if (uid !== undefined && ids.includes(uid)) return;
        const added = addUser({ passwd, group }, { name: "build", uid }, "/bin/sh").files;
        for (const text of [added.passwd, added.group]) {
          const rows = text
            .trim()
            .split("\n")
            .map((line) => line.split(":"));
          for (const column of [0, 2])
            expect(new Set(rows.map((row) => row[column])).size).toBe(rows.length);
        }
      }),
    );
  });
});

describe("lockRoot()", () => {
  test.each([
    ["root::1::::::\n", "root:*:1::::::\n"],
    ["root:*:1::::::\n", "root:*:1::::::\n"],
    ["root:!locked:1::::::\n", "root:!locked:1::::::\n"],
    ["root:$6$hash:1::::::\nx::1::::::\n", "root:!$6$hash:1::::::\nx::1::::::\n"],
  ])("makes of %j %j", (shadow, locked) => {
    expect(lockRoot({ ...files, shadow }).shadow).toBe(locked);
  });

  test("locks a password that stands in passwd itself", () => {
    const passwd = "root::0:0::/root:/bin/sh\n";
    expect(lockRoot({ passwd, group: "" }).passwd).toBe("root:*:0:0::/root:/bin/sh\n");
    expect(lockRoot({ ...files, passwd }).passwd).toBe("root:x:0:0::/root:/bin/sh\n");
  });
});
