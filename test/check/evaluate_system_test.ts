import { test } from "bun:test";
import { expectOneLine, type Row, system } from "./_rows.ts";

const rows: readonly Row[] = [
  [
    "no systemd",
    system({ systemd: undefined }),
    "missing",
    "systemd",
    "does not answer",
    "boot the host with systemd",
  ],
  [
    "an old systemd",
    system({ systemd: 251 }),
    "wrong",
    "systemd",
    "251 is too old",
    "upgrade the distribution: systemd 252 or later",
  ],
  [
    "an old kernel",
    system({ kernel: "5.11.22-arch1" }),
    "wrong",
    "kernel",
    "5.11.22-arch1 has no",
    "boot Linux 5.12 or later",
  ],
  [
    "an older kernel",
    system({ kernel: "4.19.0" }),
    "wrong",
    "kernel",
    "4.19.0 has no",
    "boot Linux 5.12 or later",
  ],
  [
    "user namespaces off",
    system({ userNamespaces: "unshare failed", maxUserNamespaces: 0 }),
    "wrong",
    "kernel",
    "no user namespaces: unshare failed",
    "sysctl -w user.max_user_namespaces=65536",
  ],
  [
    "no user namespaces",
    system({ userNamespaces: "EINVAL" }),
    "wrong",
    "kernel",
    "no user namespaces: EINVAL",
    "boot a kernel that has user namespaces (CONFIG_USER_NS)",
  ],
  [
    "a file system without id-mapping",
    system({ idMapping: [{ folder: "/var/lib/man8machines", problem: "EINVAL: mount_setattr" }] }),
    "wrong",
    "file system",
    "no id-mapped mounts in /var/lib/man8machines: EINVAL",
    "put /var/lib/man8machines on ext4, XFS or btrfs",
  ],
  [
    "no nft",
    system({ nftables: "not installed" }),
    "missing",
    "nftables",
    "not installed",
    "apt install nft",
  ],
  [
    "no nf_tables",
    system({ nftables: "rules are refused: x" }),
    "wrong",
    "nftables",
    "rules are refused",
    "boot a kernel that has nf_tables, with its inet and bridge families",
  ],
  [
    "no skopeo",
    system({ skopeo: "missing" }),
    "missing",
    "skopeo",
    "not installed",
    "apt install skopeo",
  ],
  [
    "a skopeo that does not run",
    system({ skopeo: "silent" }),
    "wrong",
    "skopeo",
    "does not say its version",
    "run skopeo --version",
  ],
  [
    "a missing program",
    system({ missingPrograms: ["nsenter"] }),
    "missing",
    "programs",
    "nsenter is not installed",
    "apt install nsenter",
  ],
  [
    "no busybox",
    system({
      busybox: { problem: "busybox: it is not installed", hint: "apt install busybox-static" },
    }),
    "missing",
    "busybox",
    "not installed",
    "apt install busybox-static",
  ],
  [
    "few bytes",
    system({ space: [{ folder: "/x", freeBytes: 0.9e9, totalBytes: 1e9 }] }),
    "warning",
    "space",
    "0.9 GB (90 %) free in /x",
    "mbctl cache prune",
  ],
  [
    "a small share",
    system({ space: [{ folder: "/x", freeBytes: 4e9, totalBytes: 100e9 }] }),
    "warning",
    "space",
    "4.0 GB (4 %) free in /x",
    "mbctl cache prune",
  ],
];

test.each(rows)(
  "evaluateSystem() tells of %s in one line, with what mends it",
  (_, facts, verdict, check, seen, mend) => {
    expectOneLine(facts, { verdict, check, seen, mend });
  },
);
