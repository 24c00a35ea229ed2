import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { InitRoot } from "./init_root.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
broken
bad:x:one:2::/bad:/bin/sh
app:x:100:101:App:/srv/app:/sbin/nologin
1000:x:55:55::/digits:
numbered:x:1000:1001::/home/numbered:/bin/sh
nohome:x:7:8:::
padded:x:0012:0013::/padded:
toor:x:0:0::/toor:/bin/sh
last:x:9:9::/last:/bin/sh`;
const GROUP = `root:x:0:
app:x:101:
adm:x:4:foo,app
apply:x:5:appl,happ,app2
tape:x:26:last,app,root
bad:x:four:app
1000:x:66:
many:x:1002:numbered
far:x:70000:app
end:x:99:app`;

const root = new InitRoot();
root.write("/etc/passwd", PASSWD);
root.write("/etc/group", GROUP);
root.write("/proc/self/uid_map", "         0  123456      65536\n");
root.write("/proc/self/gid_map", "         0  123456      65536\n");
afterAll(() => root[Symbol.dispose]());

function identity(user: string, tree = root, home?: string): string {
  const result = tree.source(
    ["40-user", "41-group"],
    `${home === undefined ? "unset HOME" : `export HOME='${home}'`}
m8_user='${user}'
. "$m8_dir/42-identity.sh"
echo "$m8_uid:$m8_gid$m8_groups $HOME"`,
  );
  return result.code === 0
    ? result.stdout.trimEnd()
    : `${result.code} ${result.stderr.trimEnd().replace("man8s-init: ", "")}`;
}

test("is written down for those who run a program beside the app", () => {
  identity("app");
  expect(readFileSync(root.at("/run/man8s-init/identity"), "utf8")).toBe("100 101 4 26 99\n");
});

describe("the user", () => {
  test("is who the image's USER means, as for runc, docker and podman", () => {
    const rows: [user: string, identity: string][] = [
      ["", "0:0 26 /root"],
      ["root", "0:0 26 /root"],
      ["0", "0:0 26 /root"],
      ["app", "100:101 4 26 99 /srv/app"],
      ["app:", "100:101 4 26 99 /srv/app"],
      ["100", "100:101 4 26 99 /srv/app"],
      ["app:adm", "100:4 /srv/app"],
      ["app:7", "100:7 /srv/app"],
      ["100:26", "100:26 /srv/app"],
      ["4242", "4242:0 /"],
      ["4242:4243", "4242:4243 /"],
      ["4242:adm", "4242:4 /"],
      [":adm", "0:4 /root"],
      ["1000", "1000:1001 1002 /home/numbered"], // an id before a name
      ["app:1000", "100:1000 /srv/app"],
      ["nohome", "7:8 /"],
      ["padded", "12:13 /padded"],
      ["0012:0013", "12:13 /padded"],
      ["toor", "0:0 /toor"],
      ["last", "9:9 26 /last"],
      ["last:end", "9:99 /last"],
    ];
    for (const [user, wanted] of rows) {
      expect([user, identity(user)]).toEqual([user, wanted]);
    }
  });

  test("that is nobody ends the machine with 125 and a reason", () => {
    const rows: [user: string, message: string][] = [
      ["ghost", `125 Cannot start as user "ghost": the image's /etc/passwd has no such name`],
      ["bad", `125 Cannot start as user "bad": the image's /etc/passwd has no such name`],
      ["ap", `125 Cannot start as user "ap": the image's /etc/passwd has no such name`],
      ["app:ghost", `125 Cannot start as group "ghost": the image's /etc/group has no such name`],
      ["-1", `125 Cannot start as user "-1": the image's /etc/passwd has no such name`],
      [
        "99999999999",
        `125 Cannot start as user "99999999999": the image's /etc/passwd has no such name`,
      ],
      ["70000", "125 Cannot start as user 70000: the machine's user namespace has no such id"],
      [
        "app:70000",
        "125 Cannot start with group 70000: the machine's user namespace has no such id",
      ],
      ["65536", "125 Cannot start as user 65536: the machine's user namespace has no such id"],
    ];
    for (const [user, message] of rows) {
      expect([user, identity(user)]).toEqual([user, message]);
    }
  });

  test("needs no passwd and no group file where ids are numbers", () => {
    using bare = new InitRoot();
    expect(identity("", bare)).toBe("0:0 /");
    expect(identity("5", bare)).toBe("5:0 /");
    expect(identity("5:6", bare)).toBe("5:6 /");
    expect(identity("app", bare)).toBe(
      `125 Cannot start as user "app": the image's /etc/passwd has no such name`,
    );
    expect(identity("5:staff", bare)).toBe(
      `125 Cannot start as group "staff": the image's /etc/group has no such name`,
    );
  });

  test("keeps a HOME that somebody has set; an empty one is unset, as for runc", () => {
    expect(identity("app", root, "/data")).toBe("100:101 4 26 99 /data");
    expect(identity("app", root, "")).toBe("100:101 4 26 99 /srv/app");
  });
});
