import { expect, test } from "bun:test";
import { installHint, managerOf } from "../../lib/host/install_hint.ts";

// Real files of these distributions, cut to the lines that matter here and some that must not disturb.
const debian =
  'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nID=debian\nHOME_URL="https://www.debian.org/"\n';
const mint = 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n';
const fedora = 'NAME="Fedora Linux"\nID=fedora\nVARIANT_ID=server\n';
const rocky = 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n';
const arch = 'NAME="Arch Linux"\nID=arch\nANSI_COLOR="38;2;23;147;209"\n';
const nixos = "ID=nixos\nNAME=NixOS\n";

test.each([
  [debian, "apt install busybox-static"],
  [mint, "apt install busybox-static"],
  [fedora, "dnf install busybox"],
  [rocky, "dnf install busybox"],
  [arch, "pacman -S busybox"],
  [nixos, "apt install busybox-static, or pacman -S busybox, or dnf install busybox"],
  ["", "apt install busybox-static, or pacman -S busybox, or dnf install busybox"],
])("installHint() speaks the language of %j", (osRelease, hint) => {
  expect(installHint("busybox", osRelease)).toBe(hint);
});

test("installHint() takes a program's own name where nothing else is known", () => {
  expect(installHint("skopeo", debian)).toBe("apt install skopeo");
});

test("managerOf() is not fooled by names of Object's own", () => {
  expect(managerOf("ID=constructor\nID_LIKE=toString\n")).toBeUndefined();
});

test("installHint() does not name a package that is another program", () => {
  expect(installHint("yggdrasil", fedora)).toBe(
    "dnf install the .rpm of the releases of yggdrasil-go",
  );
  expect(installHint("yggdrasil", debian)).toBe("apt install yggdrasil");
});
