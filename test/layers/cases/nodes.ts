/** Devices and fifos. */

import {
  base256,
  device,
  dir,
  fifo,
  file,
  hardlink,
  pax,
  symlink,
  tar,
  whiteout,
} from "../raw_tar.ts";
import { type LayerCase, same, treeOf } from "./case.ts";
import { acl } from "./metadata.ts";

export const nodes: readonly LayerCase[] = [
  {
    name: "character and block devices keep numbers, mode and owner",
    layers: [
      tar(
        device("null", "char", [1, 3], { mode: 0o666 }),
        device("sda", "block", [8, 17], { mode: 0o660, gid: 6, mtime: 5 }),
      ),
    ],
    expect: same,
  },
  {
    name: "devices with large numbers",
    layers: [
      tar(
        device("a", "char", [4095, 1_048_575]),
        device("b", "block", [259, 70_000]),
        device("c", "char", [0, 256]),
        device("d", "char", [256, 0]),
      ),
    ],
    expect: same,
  },
  {
    name: "devices with numbers in base-256",
    layers: [tar(device("a", "char", [base256(10, 8), base256(200, 8)]))],
    expect: same,
  },
  {
    name: "a device 0:0 is a device, not a whiteout",
    layers: [tar(file("a", "1")), tar(device("a", "char", [0, 0], { mode: 0 }))],
    expect: same,
  },
  {
    name: "a device twice, with other numbers",
    layers: [
      tar(device("a", "char", [1, 3]), device("a", "block", [1, 5])),
      tar(device("a", "char", [1, 7])),
    ],
    expect: same,
  },
  {
    name: "a fifo keeps mode and owner",
    layers: [tar(fifo("a", { mode: 0o4620, uid: 5, gid: 6 }))],
    expect: same,
  },
  {
    name: "a size of a fifo, a device or a link is not read",
    layers: [
      tar(fifo("p", { size: 512 }), file("after", "1")),
      tar(device("c", "char", [1, 3], { size: 3 }), file("after2", "1")),
      tar(symlink("l", "x", { size: 700 }), file("after3", "1")),
      tar(hardlink("h", "after", { size: 5 }), file("after4", "1")),
    ],
    expect: same,
  },
  {
    name: "a size of a directory is not read",
    layers: [tar(dir("d", 0o755, { size: 4096 }), file("after", "1"))],
    expect: same,
  },
  {
    name: "attributes of nodes are dropped where the kernel has none, and kept where it has",
    layers: [
      tar(
        pax({ "SCHILY.xattr.user.a": "1" }),
        device("c", "char", [1, 3]),
        pax({ "SCHILY.xattr.system.posix_acl_access": acl }),
        fifo("p", { mode: 0o644 }),
      ),
    ],
    expect: treeOf(
      "xattr(7): user attributes are of files and directories alone; the reference refuses the layer",
      tar(
        device("c", "char", [1, 3]),
        pax({ "SCHILY.xattr.system.posix_acl_access": acl }),
        fifo("p", { mode: 0o644 }),
      ),
    ),
  },
  {
    name: "a whiteout hides a device",
    layers: [tar(device("c", "char", [1, 3]), device("b", "block", [7, 0])), tar(whiteout("c"))],
    expect: same,
  },
  {
    name: "device numbers of PAX are kept",
    layers: [
      tar(pax({ "SCHILY.devmajor": "9", "SCHILY.devminor": "300" }), device("c", "char", [1, 3])),
    ],
    expect: same,
  },
];
