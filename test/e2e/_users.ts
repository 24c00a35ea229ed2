/** Who an image's USER is: images, each with another USER, and what is to come out. */

import type { TarEntry } from "../lab/images/tar.ts";
import type { ImageRecipe } from "./_machines.ts";

/** An image's passwd and group. */
export const accounts: readonly TarEntry[] = [
  {
    path: "etc/passwd",
    content:
      "root:x:0:0:root:/root:/bin/sh\napp:x:100:101::/srv:/bin/sh\nlone:x:200:200::/:/bin/sh\n",
  },
  {
    path: "etc/group",
    content: "root:x:0:\napp:x:101:\nmail:x:5:app,lane\nweb:x:6:lane\nmany:x:7:x,app\n",
  },
];

/** USER of an image, and what the kernel and the app then say: uid, gid, supplementary groups, HOME. */
export const users: readonly (readonly [user: string, identity: string])[] = [
  ["", "0 0 - /root"],
  ["app", "100 101 5,7,101 /srv"],
  ["app:mail", "100 5 - /srv"],
  ["app:6", "100 6 - /srv"],
  ["100", "100 101 5,7,101 /srv"],
  ["lone", "200 200 - /"],
  ["4000", "4000 0 - /"],
  ["4000:4001", "4000 4001 - /"],
];

const identity = `awk '/^Uid/ { uid = $2 } /^Gid/ { gid = $2 }
  /^Groups/ { $1 = ""; gsub(/^ +| +$/, ""); gsub(/ +/, ","); groups = $0 }
  END { print "@@" uid, gid, (groups == "" ? "-" : groups), ENVIRON["HOME"] }' /proc/self/status`;

/** An image for each of `users`, `User0` and so on: its app says who it is. */
export const userImages: Readonly<Record<string, ImageRecipe>> = Object.fromEntries(
  users.map(([user], index) => [
    `User${index}`,
    { files: accounts, config: { User: user, Cmd: ["sh", "-c", identity] } },
  ]),
);
