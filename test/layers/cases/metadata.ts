/** Modes, owners, times and extended attributes. */

import {
  base256,
  dir,
  fifo,
  file,
  hardlink,
  latin1,
  pax,
  symlink,
  tar,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, refused, refuses, same, treeOf } from "./case.ts";

/** cap_net_bind_service=ep (linux/capability.h, VFS_CAP_REVISION_2). */
export const capability = Uint8Array.from([1, 0, 0, 2, 0, 4, ...new Array<number>(14).fill(0)]);

/** user::rw-,user:1000:r--,group::r--,mask::r--,other::r-- as linux/posix_acl_xattr.h lays it out. */
export const acl = Uint8Array.from([
  ...[2, 0, 0, 0],
  ...[1, 0, 6, 0, 255, 255, 255, 255],
  ...[2, 0, 4, 0, 232, 3, 0, 0],
  ...[4, 0, 4, 0, 255, 255, 255, 255],
  ...[16, 0, 4, 0, 255, 255, 255, 255],
  ...[32, 0, 4, 0, 255, 255, 255, 255],
]);

const xattr = (name: string, value: string | Uint8Array) =>
  pax({ [`SCHILY.xattr.${name}`]: value });

export const metadata: readonly LayerCase[] = [
  {
    name: "setuid, setgid and sticky stay with an owner",
    layers: [
      tar(
        file("suid", "1", { mode: 0o4755, uid: 7, gid: 8 }),
        file("sgid", "1", { mode: 0o2755, uid: 7, gid: 8 }),
        file("both", "1", { mode: 0o6711, uid: 7, gid: 8 }),
        file("sticky", "1", { mode: 0o1644, uid: 7 }),
        dir("d", 0o3775, { uid: 7, gid: 8 }),
        fifo("p", { mode: 0o7777, uid: 9 }),
      ),
    ],
    expect: same,
  },
  {
    name: "setuid stays on a file with two names",
    layers: [tar(file("a", "1", { mode: 0o4711, uid: 7 }), hardlink("b", "a", { mode: 0o644 }))],
    expect: same,
  },
  {
    name: "a file in a directory with setgid does not inherit its group",
    layers: [tar(dir("d", 0o2775, { gid: 50 }), file("d/f", "1"), dir("d/e", 0o755), fifo("d/p"))],
    expect: same,
  },
  {
    name: "mode 0 stays, and its directory can be filled",
    layers: [
      tar(file("f", "1", { mode: 0 }), dir("d", 0), file("d/x", "1")),
      tar(file("d/y", "2")),
    ],
    expect: same,
  },
  {
    name: "type bits in the mode are not read",
    layers: [
      tar(
        file("f", "1", { mode: 0o100644 }),
        dir("d", 0o040755),
        file("g", "1", { mode: 0o040755 }),
        file("h", "1", { mode: 0o120777 }),
      ),
    ],
    expect: same,
  },
  {
    name: "a mode that fills its field, and more bits than there are",
    layers: [tar(file("f", "1", { mode: 0o7777 }), file("g", "2", { mode: 0o7770644 }))],
    expect: same,
  },
  {
    name: "owners by octal, base-256 and PAX, to 2^32-2",
    layers: [
      tar(
        file("octal", "1", { uid: 0o7777777, gid: 0o7777776 }),
        file("binary", "1", { uid: base256(4_294_967_294, 8), gid: base256(3_000_000_000, 8) }),
        pax({ uid: "4294967294", gid: "4000000000" }),
        file("pax", "1"),
        pax({ uid: "2097152" }),
        dir("d", 0o755, { gid: 1 }),
        pax({ gid: "65534" }),
        symlink("l", "x", { uid: 1 }),
      ),
    ],
    expect: same,
  },
  {
    name: "an owner of 2^32-1 is refused: chown(2) would leave the owner as it was",
    layers: [tar(pax({ uid: "4294967295" }), file("a", "1"))],
    expect: refuses(
      /owner|uid/,
      "chown(2): -1 leaves the owner as it is, so the reference makes the file root's",
    ),
  },
  {
    name: "an owner of 2^32 is refused",
    layers: [tar(pax({ uid: "4294967296" }), file("a", "1", { mode: 0o4755 }))],
    expect: refuses(
      /owner|uid/,
      "uid_t has 32 bits: the reference cuts the rest off and makes the file root's",
    ),
  },
  {
    name: "a negative owner is refused",
    layers: [tar(file("a", "1", { uid: base256(-5, 8) }))],
    expect: refuses(
      /owner|uid/,
      "POSIX.1-2017, pax, ustar: owners are no negative numbers; the reference gives it to 2^32-5",
    ),
  },
  {
    name: "names of owners are not read",
    layers: [
      tar(
        file("a", "1", { uname: "daemon", gname: "daemon", uid: 5, gid: 6 }),
        pax({ uname: "daemon", gname: "\u00e9" }),
        file("b", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "times to the nanosecond, zero, negative, and in the far future",
    layers: [
      tar(
        pax({ mtime: "1700000000.123456789" }),
        file("nano", "1"),
        pax({ mtime: "1700000000.5" }),
        dir("half"),
        pax({ mtime: "1700000000.000000001" }),
        symlink("link", "x"),
        file("zero", "1", { mtime: 0 }),
        pax({ mtime: "-1" }),
        file("before", "1"),
        pax({ mtime: "-1.25" }),
        file("fraction", "1"),
        pax({ mtime: "-100000000" }),
        dir("dirbefore"),
        file("octal", "1", { mtime: 0o77777777777 }),
        pax({ mtime: "8589934592" }),
        file("beyond", "1"),
        file("binary", "1", { mtime: base256(8_589_934_593, 12) }),
        file("negative", "1", { mtime: base256(-2, 12) }),
        pax({ mtime: "9000000000.75" }),
        fifo("far"),
      ),
    ],
    expect: same,
  },
  {
    name: "digits beyond the nanosecond are cut",
    layers: [
      tar(
        pax({ mtime: "1700000000.1234567899999" }),
        file("a", "1"),
        pax({ mtime: "-1.0000000019" }),
        file("b", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "access and change times of PAX are not the modification time",
    layers: [tar(pax({ atime: "5.5", ctime: "6.5" }), file("a", "1"))],
    expect: same,
  },
  {
    name: "the root's entry sets the root's own metadata",
    layers: [tar(xattr("user.root", "1"), dir("./", 0o1711, { uid: 5, gid: 6, mtime: 7 }))],
    expect: same,
  },
  {
    name: "the root's entry may come last, and twice",
    layers: [tar(dir(".", 0o700), file("a", "1"), dir("/", 0o750, { gid: 9, mtime: 3 }))],
    expect: same,
  },
  {
    name: "a root that no entry names is root's, 0755",
    layers: [tar(file("a", "1"))],
    expect: same,
  },
  {
    name: "implied directories are root's, 0755",
    layers: [tar(file("a/b/c", "1", { uid: 5, mode: 0o600 }))],
    expect: same,
  },
  {
    name: "an implied directory that a later entry names takes its metadata",
    layers: [
      tar(
        file("a/b/c", "1"),
        dir("a/b", 0o1700, { uid: 4, mtime: 5 }),
        dir("a", 0o711, { mtime: 6 }),
      ),
    ],
    expect: same,
  },
  {
    name: "a directory's time stays when children come and go",
    layers: [
      tar(
        dir("d", 0o755, { mtime: 5 }),
        file("d/a"),
        dir("d/b", 0o755, { mtime: 6 }),
        file("d/b/c"),
      ),
      tar(file("d/new"), whiteout("d/a"), symlink("d/b/c", "x")),
    ],
    expect: same,
  },
  {
    name: "a directory's time stays when a directory is implied in it",
    layers: [tar(dir("d", 0o755, { mtime: 5 }), file("d/implied/x", "1"))],
    expect: treeOf(
      "layer.md, File Attributes: mtime is the entry's; the reference gives the time of unpacking",
      tar(file("d/implied/x", "1"), dir("d", 0o755, { mtime: 5 })),
    ),
  },
  {
    name: "capabilities stay with an owner and setuid",
    layers: [
      tar(
        xattr("security.capability", capability),
        file("ping", "1", { mode: 0o755, uid: 7 }),
        xattr("security.capability", capability),
        file("su", "1", { mode: 0o4755, uid: 7 }),
      ),
    ],
    expect: same,
  },
  {
    name: "a capability is gone when the file is replaced",
    layers: [tar(xattr("security.capability", capability), file("a", "1")), tar(file("a", "2"))],
    expect: same,
  },
  {
    name: "user attributes: text, binary, with = and line breaks, several",
    layers: [
      tar(
        pax({
          "SCHILY.xattr.user.text": "\u00e9",
          "SCHILY.xattr.user.binary": Uint8Array.from([0, 1, 255, 10, 61, 0]),
          "SCHILY.xattr.user.b": "a=b\nc=d",
        }),
        file("f", "1"),
        xattr("user.dir", "1"),
        dir("d", 0o700),
      ),
    ],
    expect: same,
  },
  {
    name: "a name of an attribute with = in it",
    layers: [tar(pax(latin1("28 SCHILY.xattr.user.a=b=cd\n")), file("f", "1"))],
    expect: same,
  },
  {
    name: "access ACLs stay, and the mode with them",
    layers: [tar(xattr("system.posix_acl_access", acl), file("f", "1", { mode: 0o644, uid: 3 }))],
    expect: same,
  },
  {
    name: "a directory's default ACL stays, and its children do not inherit it",
    layers: [
      tar(xattr("system.posix_acl_default", acl), dir("d", 0o755), file("d/f", "1"), dir("d/e")),
      tar(file("d/h", "1")),
    ],
    expect: same,
  },
  {
    name: "an implied directory inherits no ACL and no setgid",
    layers: [
      tar(
        xattr("system.posix_acl_default", acl),
        dir("d", 0o2755, { gid: 50 }),
        file("d/implied/x", "1"),
      ),
    ],
    expect: treeOf(
      "layer.md, Representing Changes: the layer holds what changed; no entry gave these to the directory, the reference lets the kernel pass them on",
      tar(
        file("d/implied/x", "1"),
        xattr("system.posix_acl_default", acl),
        dir("d", 0o2755, { gid: 50 }),
      ),
    ),
  },
  {
    name: "a capability that is none is refused",
    layers: [tar(xattr("security.capability", "hostile"), file("f", "1"))],
    expect: refused(/security\.capability/),
  },
  {
    name: "an ACL that is none is dropped",
    layers: [tar(xattr("system.posix_acl_access", "hostile"), file("f", "1"))],
    expect: same,
  },
  {
    name: "attributes of links are dropped where the kernel has none",
    layers: [
      tar(xattr("user.a", "1"), symlink("l", "x"), xattr("user.a", "1"), fifo("p"), file("z")),
    ],
    expect: treeOf(
      "xattr(7): user attributes are of files and directories alone; layer.md, File Attributes: where supported; the reference refuses the layer",
      tar(symlink("l", "x"), fifo("p"), file("z")),
    ),
  },
  {
    name: "attributes of an unknown name space are dropped",
    layers: [tar(xattr("nonsense.a", "1"), file("f", "1"), xattr("noprefix", "1"), file("g", "1"))],
    expect: same,
  },
  {
    name: "overlay attributes are dropped",
    layers: [
      tar(
        pax({
          "SCHILY.xattr.trusted.overlay.opaque": "y",
          "SCHILY.xattr.user.overlay.opaque": "y",
        }),
        dir("d", 0o700),
        pax({ "SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.user.kept": "1" }),
        dir("e", 0o700),
      ),
    ],
    expect: treeOf(
      "overlayfs.rst: these attributes are flags of a mount, and no image may set them on a host that may one day mount the tree; layer.md asks for whiteouts in the layer's own form",
      tar(dir("d", 0o700), xattr("user.kept", "1"), dir("e", 0o700)),
    ),
  },
  {
    name: "trusted attributes and SELinux labels are dropped",
    layers: [
      tar(
        pax({
          "SCHILY.xattr.trusted.a": "1",
          "SCHILY.xattr.security.selinux": "system_u:object_r:etc_t:s0",
          "SCHILY.xattr.user.kept": "1",
        }),
        file("f", "1"),
      ),
    ],
    expect: treeOf(
      "layer.md, File Attributes: extended attributes where supported; those of the host's own security are not the image's to set",
      tar(xattr("user.kept", "1"), file("f", "1")),
    ),
  },
  {
    name: "attributes in libarchive's form, in base64, are not read",
    layers: [
      tar(
        pax({ "LIBARCHIVE.xattr.user.a": "MQ==", "SCHILY.xattr.user.b": "2" }),
        file("f", "1"),
        pax({ "LIBARCHIVE.creationtime": "5", "RHT.security.selinux": "x", comment: "x" }),
        file("g", "1"),
      ),
    ],
    expect: same,
  },
  {
    name: "ACLs as star's text are not read",
    layers: [tar(pax({ "SCHILY.acl.access": "user::rwx,group::r-x,other::---" }), file("f", "1"))],
    expect: same,
  },
  {
    name: "the metadata of a symbolic link is its own",
    layers: [
      tar(
        file("t", "1", { mode: 0o600, uid: 1, mtime: 5 }),
        symlink("l", "t", { mode: 0o644, uid: 2, gid: 3, mtime: 9 }),
      ),
    ],
    expect: same,
  },
];
