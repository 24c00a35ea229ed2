/** Images of the tests of applications: what they find, what they say, and what means harm. */

import type { ImageRecipe } from "./_machines.ts";

/** Writes down its arguments and its variables. */
const tell = "printf '%s\\0' \"$@\" >/words; env -0 >/values; : >/told; exec sleep 1000";

export const appImages: Readonly<Record<string, ImageRecipe>> = {
  nasty: { config: { Entrypoint: ["sh", "-c", tell, "tell"] } },
  /** Says what it may write to, and what it is. */
  choosy: {
    config: {
      Entrypoint: [
        "sh",
        "-c",
        "for f in /root-tree /data/d /config/c /mem/m /tmp/t /run/r; do { echo >$f; } 2>/dev/null && echo $f; done >/data/written; id -u >/data/who; id -G >>/data/who; exec sleep 1000",
      ],
    },
    files: [
      { path: "etc/passwd", content: "app:x:4711:4712::/home/app:\n" },
      { path: "etc/group", content: "more:x:4713:app\n" },
    ],
  },
  talker: {
    config: {
      User: "1000:1001",
      Entrypoint: [
        "sh",
        "-c",
        "echo by name >/dev/stdout; echo wrong >/dev/stderr; echo last words",
      ],
    },
  },
  /** Ends as soon as it has begun. */
  crasher: { config: { Entrypoint: ["sh", "-c", "echo too bad; exit 3"] } },
  /** Every path that is written to leads to the system around it; a second layer takes links away. */
  links: {
    config: {
      Entrypoint: ["sh", "-c", "echo mine >/run/mark; exec sleep 1000"],
      WorkingDir: "/work/here",
      Volumes: { "/data": {} },
    },
    base: "bare",
    files: [
      { path: "run", type: "symlink", linkTarget: "/oci" },
      { path: "data", type: "symlink", linkTarget: "/etc" },
      { path: "work", type: "symlink", linkTarget: "/../../../../../../etc" },
      { path: "etc", type: "symlink", linkTarget: "/usr/../lib" },
      { path: "lib", type: "dir" },
      { path: "lib/resolv.conf", type: "symlink", linkTarget: "/etc/shadow" },
      { path: "sh", type: "symlink", linkTarget: "bin/busybox" },
      { path: "bin/sh", type: "symlink", linkTarget: "busybox" },
      { path: "bin/sleep", type: "symlink", linkTarget: "busybox" },
      { path: "gone", type: "symlink", linkTarget: "lib" },
      { path: "lost", type: "symlink", linkTarget: "/nowhere" },
      { path: "bin/ls", type: "symlink", linkTarget: "busybox" },
    ],
    above: [{ path: ".wh.gone" }, { path: ".wh.lost" }, { path: "bin/.wh.ls" }],
  },
};
