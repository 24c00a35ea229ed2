/** Root trees made by hand: of each family what settling reads, in the words of the real ones. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import type { SystemSettings } from "../../lib/os/system_settings.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

/** A file by its text, a folder by null, a link by where it leads. */
export type Entries = Readonly<Record<string, string | null | { readonly link: string }>>;

/** A folder that is gone when it is disposed of; `path` is the tree, beside which there is room. */
export function makeTestTree(entries: Entries): Disposable & { path: string; base: string } {
  const base = mkdtempSync(join(tmpdir(), "mbctl-os-"));
  const path = join(base, "tree");
  mkdirSync(path);
  for (const [name, entry] of Object.entries(entries)) {
    const target = join(path, name);
    mkdirSync(dirname(target), { recursive: true });
    if (entry === null) mkdirSync(target, { recursive: true });
    else if (typeof entry === "string") writeFileSync(target, entry, { mode: 0o644 });
    else symlinkSync(entry.link, target);
  }
  return { path, base, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}

/** What machines of these tests are told. */
export const settings: SystemSettings = {
  name: parseMachineName("box"),
  user: { name: "build", uid: 1001 },
  network: {
    ...defaultHostNetworks,
    prefix: parsePrefix("300:2e98:a4b0:1789::/64"),
    connection: { kind: "bridge" },
    fixed: undefined,
  },
};

/** systemd with networkd and resolved, their [Install] as systemd 252 to 262 have it. */
function systemd(version: number, units = "usr/lib/systemd/system"): Entries {
  const folder = dirname(units);
  return {
    [`${folder}/systemd`]: "",
    [`${folder}/systemd-logind`]: "",
    [`${folder}/systemd-networkd`]: "",
    [`${folder}/systemd-resolved`]: "",
    [`${folder}/libsystemd-shared-${version}.so`]: "",
    [`${units}/systemd-networkd.service`]: `[Unit]
Description=Network Configuration
[Install]
WantedBy=multi-user.target
Also=systemd-networkd.socket
Alias=dbus-org.freedesktop.network1.service
Also=systemd-network-generator.service
Also=systemd-networkd-wait-online.service
`,
    [`${units}/systemd-networkd.socket`]: "[Install]\nWantedBy=sockets.target\n",
    [`${units}/systemd-network-generator.service`]: "[Install]\nWantedBy=sysinit.target\n",
    [`${units}/systemd-networkd-wait-online.service`]:
      "[Install]\nWantedBy=network-online.target\n",
    [`${units}/systemd-resolved.service`]: `[Install]
WantedBy=sysinit.target
Alias=dbus-org.freedesktop.resolve1.service
`,
    [`${units}/systemd-modules-load.service`]: "",
    [`${units}/console-getty.service`]: "",
  };
}

const accounts: Entries = {
  "etc/passwd":
    "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
  "etc/group": "root:x:0:\nshadow:x:42:\n",
  "etc/shadow": "root:*:20000:0:99999:7:::\n",
  "etc/gshadow": "root:*::\n",
  "etc/subuid": "",
  "etc/subgid": "",
  "etc/skel/.profile": "umask 022\n",
  "bin/bash": "",
};

const osRelease = (id: string, version: string, name: string, like = "") => ({
  "usr/lib/os-release": `PRETTY_NAME="${name}"\nID=${id}\n${version === "" ? "" : `VERSION_ID="${version}"\n`}${like === "" ? "" : `ID_LIKE="${like}"\n`}`,
  "etc/os-release": { link: "../usr/lib/os-release" },
});

/** Of each family one or more. */
export const trees: Readonly<Record<string, Entries>> = {
  debian13: {
    ...osRelease("debian", "13", "Debian GNU/Linux 13 (trixie)"),
    ...systemd(257),
    ...accounts,
    "usr/bin/dbus-daemon": "",
    "usr/bin/apt-get": "",
    "usr/lib/x86_64-linux-gnu/security/pam_systemd.so": "",
    "usr/lib/systemd/system/fstrim.timer": "",
    "etc/hostname": "builder\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/.resolv.conf.systemd-resolved.bak": "nameserver 10.0.0.1\n",
    "etc/resolv.conf": { link: "../run/systemd/resolve/stub-resolv.conf" },
    "var/lib/systemd/random-seed": "seed",
    "var/lib/dbus/machine-id": { link: "/etc/machine-id" },
  },
  // An image for docker that got systemd and an ssh server.
  "ubuntu24.04": {
    ...osRelease("ubuntu", "24.04", "Ubuntu 24.04.3 LTS", "debian"),
    ...systemd(255),
    ...accounts,
    "usr/bin/dbus-daemon": "",
    "usr/bin/apt-get": "",
    "usr/bin/ssh-keygen": "",
    "usr/lib/x86_64-linux-gnu/security/pam_systemd.so": "",
    "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tbuilder builder.example\n::1\tlocalhost\n",
    "etc/locale.conf": "LANG=de_DE.UTF-8\n",
    "etc/ssh/ssh_host_ed25519_key": "secret",
    "etc/ssh/ssh_host_ed25519_key.pub": "public",
    "etc/ssh/sshd_config": "",
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n",
    "etc/apt/apt.conf.d/docker-clean": 'APT::Keep-Downloaded-Packages "false";\n',
    ".dockerenv": "",
  },
  fedora43: {
    ...osRelease("fedora", "43", "Fedora Linux 43"),
    ...systemd(258),
    ...accounts,
    "usr/bin/dbus-broker-launch": "",
    "usr/bin/dnf5": "",
    "usr/lib64/security/pam_systemd.so": "",
  },
  arch: {
    ...osRelease("arch", "", "Arch Linux"),
    ...systemd(258),
    ...accounts,
    // Nobody has locked root.
    "etc/shadow": "root::14871::::::\n",
    "usr/bin/dbus-daemon": "",
    "usr/bin/pacman": "",
    "usr/lib/security/pam_systemd.so": "",
  },
  tumbleweed: {
    ...osRelease("opensuse-tumbleweed", "20261101", "openSUSE Tumbleweed", "opensuse suse"),
    ...systemd(258),
    ...accounts,
    "usr/bin/dbus-broker-launch": "",
    "usr/bin/zypper": "",
    "usr/lib64/security/pam_systemd.so": "",
  },
  // No networkd: NetworkManager.
  centos9: {
    ...osRelease("centos", "9", "CentOS Stream 9", "rhel fedora"),
    ...accounts,
    "usr/lib/systemd/systemd": "",
    "usr/lib/systemd/systemd-logind": "",
    "usr/lib/systemd/libsystemd-shared-252-51.el9.so": "",
    "usr/bin/dbus-broker-launch": "",
    "usr/sbin/NetworkManager": "",
    "usr/bin/dnf": "",
    "usr/lib64/security/pam_systemd.so": "",
  },
  // systemd 215, which knows no cgroup v2, and ifupdown that reads a folder.
  debian8: {
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 8 (jessie)"\nID=debian\nVERSION_ID="8"\n',
    ...accounts,
    "lib/systemd/systemd": "",
    "lib/systemd/systemd-logind": "",
    "sbin/init": { link: "/lib/systemd/systemd" },
    "sbin/ifup": "",
    "etc/network/interfaces": "source-directory /etc/network/interfaces.d\n",
    "usr/bin/apt-get": "",
    "usr/bin/dbus-daemon": "",
  },
  // sysvinit, and an ifupdown that is told of the file by its name.
  debian7: {
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 7 (wheezy)"\nID=debian\nVERSION_ID="7"\n',
    ...accounts,
    "sbin/init": "",
    "etc/inittab": "id:2:initdefault:\n",
    "sbin/ifup": "",
    "etc/network/interfaces": "auto lo\niface lo inet loopback\n",
    "usr/bin/apt-get": "",
  },
  alpine: {
    ...osRelease("alpine", "3.22", "Alpine Linux v3.22"),
    "bin/busybox": "",
    "bin/sh": { link: "/bin/busybox" },
    "sbin/init": { link: "/bin/busybox" },
    "sbin/openrc": "",
    "sbin/ifup": { link: "/bin/busybox" },
    "etc/network/interfaces": "auto lo\niface lo inet loopback\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:root\n",
    "etc/shadow": "root:*::0:::::\n",
    "usr/bin/apk": { link: "/sbin/apk" },
    "sbin/apk": "",
  },
  // docker.io/library/debian:trixie
  dockerDebian: {
    ...osRelease("debian", "13", "Debian GNU/Linux 13 (trixie)"),
    ...accounts,
    "usr/bin/apt-get": "",
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
  },
};
