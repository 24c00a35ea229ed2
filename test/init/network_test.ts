/** The network fragments as root in a network namespace of their own: one veth pair, whose other end stands for the host's bridge. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { BUSYBOX, InitRoot, type RunResult, run } from "./init_root.ts";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const mesh = "300:2e98:a4b0:1789:1d44:bc13:a177:c4d";
const ula = "fdfc:16ed:7601:0:1d44:bc13:a177:c4d";

/** $1: the root; $2: the machine's interface; the app is what man8env.env says. */
const SETUP = `set -e
mount --make-rprivate /
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs run
ip link set lo up
if [ "$2" != lo ]; then
  ip link add "$2" type veth peer name bridge
  ip link set bridge up
fi
exec chroot . /man8s-init/busybox env -i PATH=/bin /man8s-init/00-init.sh`;

const isRoot =
  run(["unshare", "-mpn", "-f", "mount", "--make-rprivate", "/"], { env: { PATH }, cwd: "/" })
    .code === 0;

const root = new InitRoot();
afterAll(() => root[Symbol.dispose]());
for (const path of ["proc", "run", "tmp", "dev", "etc", "sys/class/net", "bin"]) {
  mkdirSync(root.at(path), { recursive: true });
}
rmSync(root.at("/man8s-init/busybox"));
copyFileSync(BUSYBOX, root.at("/man8s-init/busybox"));
for (const name of ["sh", "cat", "grep", "ip", "sleep"]) {
  symlinkSync("../man8s-init/busybox", root.at(`/bin/${name}`));
}
beforeEach(() => {
  rmSync(root.at("sys/class/net"), { recursive: true, force: true });
  root.write("/etc/resolv.conf", "nameserver 127.0.0.53\n");
});

/** Runs `app`, a line of sh, in a machine whose interface is called so. */
function boot(device: string, env: Readonly<Record<string, string>>, app: string): RunResult {
  mkdirSync(root.at(`sys/class/net/${device}`), { recursive: true });
  const lines = Object.entries({
    MAN8S_DHCP_WAIT: "0",
    ...env,
    MAN8S_APPLICATION_ARGS: `sh -c '${app}'`,
  });
  root.write("/man8env.env", lines.map(([key, value]) => `${key}=${value}\n`).join(""));
  return run(
    ["unshare", "-mpn", "-f", "--kill-child", "sh", "-c", SETUP, "sh", root.path, device],
    {
      env: { PATH },
      cwd: "/",
    },
  );
}

const bridge = {
  MAN8S_NETWORK_INTERFACE: "host0",
  MAN8S_YGGDRASIL_ADDRESS: mesh,
  MAN8S_ULA_ADDRESS: ula,
};
/** udhcpc begins behind the app. */
const waitForDhcp =
  "n=0; until grep -qz ^udhcpc$ /proc/[0-9]*/cmdline || [ $n = 100 ]; do n=$((n+1)); sleep 0.02; done";
const settings = (device: string) =>
  `cd /proc/sys/net; cat ipv6/conf/${device}/accept_dad ipv4/ip_unprivileged_port_start`;

describe.skipIf(!isRoot)("the network", () => {
  test("on a bridge: both addresses without detection, and a source for each way", () => {
    const { stdout, stderr } = boot(
      "host0",
      bridge,
      `ip -6 addr show dev host0; ip -6 rule; ip -6 route; for to in 2ff::1 300:2e98:a4b0:1789::5 2001:db8::1 fdfc:16ed:7601::5; do ip -6 route get $to; done; ${settings("host0")}`,
    );
    expect(stderr).not.toMatch(/Cannot/);
    expect(stdout).not.toMatch(/tentative/);
    expect(stdout).toMatch(new RegExp(`inet6 ${mesh}/64 scope global deprecated`));
    expect(stdout).toMatch(new RegExp(`inet6 ${ula}/64 scope global *$`, "m"));
    expect(stdout).toMatch(/^199:\s+from all to 200::\/7 lookup 199 *$/m);
    const ways = stdout.split("\n").flatMap((line) => {
      const way = /^([0-9a-f:]+) (?:from :: )?(?:via (\S+) )?dev host0 .*src (\S+) /.exec(line);
      return way === null ? [] : [way.slice(1)];
    });
    expect(ways).toEqual([
      ["2ff::1", "300:2e98:a4b0:1789::1", mesh],
      ["300:2e98:a4b0:1789::5", undefined, mesh],
      ["2001:db8::1", "fdfc:16ed:7601::1", ula],
      ["fdfc:16ed:7601::5", undefined, ula],
    ] as string[][]);
    // Before the kernel's own route and what the router advertises.
    expect(stdout).toMatch(
      new RegExp(`^fdfc:16ed:7601::/64 dev host0 .*src ${ula} +metric 128 `, "m"),
    );
    expect(stdout).toMatch(
      new RegExp(`^default via fdfc:16ed:7601::1 .*src ${ula} +metric 512 `, "m"),
    );
    expect(stdout.trimEnd().split("\n").slice(-2)).toEqual(["0", "0"]);
  });

  test("with a static IPv4 address: address, route and resolver at once, and no DHCP", () => {
    const { stdout, stderr } = boot(
      "host0",
      { ...bridge, MAN8S_IPV4_ADDRESS: "10.199.0.17/24", MAN8S_IPV4_GATEWAY: "10.199.0.1" },
      "ip -4 addr show dev host0; ip route; cat /etc/resolv.conf; cat /proc/[0-9]*/cmdline",
    );
    expect(stderr).not.toMatch(/Cannot/);
    expect(stdout).toMatch(/inet 10\.199\.0\.17\/24 brd 10\.199\.0\.255 /);
    expect(stdout).toMatch(/^default via 10\.199\.0\.1 dev host0/m);
    expect(stdout).toMatch(/^nameserver 10\.199\.0\.1$/m);
    expect(stdout).not.toMatch(/127\.0\.0\.53|\0udhcpc\0/);
  });

  test.each([
    ["mv-eth0", "mv-eth0", "mv-other"],
    ["mv-enx001122334", "mv-enx0011wxyz", "eth7"],
  ])(
    "macvlan %s: the interface is up as %s with DHCP, and keeps detection",
    (named, device, other) => {
      mkdirSync(root.at(`sys/class/net/${other}`), { recursive: true });
      const { stdout, stderr } = boot(
        device,
        { MAN8S_NETWORK_INTERFACE: named },
        `ip link show dev ${device}; ip -6 rule; ${waitForDhcp}; cat /proc/[0-9]*/cmdline; echo; ${settings(device)}`,
      );
      expect(stderr).not.toMatch(/Cannot/);
      expect(stdout).toMatch(/<[^>]*\bUP\b[^>]*>/);
      expect(stdout).toMatch(new RegExp(`\\0udhcpc\\0-f\\0-i\\0${device}\\0`));
      expect(stdout).not.toMatch(/199/);
      expect(stdout.trimEnd().split("\n").slice(-2)).toEqual(["1", "0"]);
    },
  );

  test("private: nothing is asked for, and any user may open any port", () => {
    const app = `cat /proc/[0-9]*/cmdline; ${settings("lo")}`;
    const { stdout, stderr } = boot("lo", { MAN8S_NETWORK_INTERFACE: "lo" }, app);
    expect(stderr).not.toMatch(/Cannot|link is not up/);
    expect(stdout).not.toMatch(/\0udhcpc\0/);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("0");
  });

  test("the host's: nothing is changed", () => {
    const { stdout, stderr } = boot("host0", { MAN8S_NETWORK_INTERFACE: "" }, settings("host0"));
    expect(stderr).not.toMatch(/Cannot/);
    expect(stdout.trimEnd().split("\n")).toEqual(["1", "1024"]);
  });

  test("a machine of mbctl 0.1 has its mesh address on host0, and none of the later ones", () => {
    const { stdout, stderr } = boot(
      "host0",
      { MAN8S_CONTAINER_TEMPLATE: "network_isolated", MAN8S_YGGDRASIL_ADDRESS: mesh },
      `ip -6 addr show dev host0; ip -6 route; ${waitForDhcp}; cat /proc/[0-9]*/cmdline`,
    );
    expect(stderr).not.toMatch(/Cannot/);
    expect(stdout).toMatch(new RegExp(`inet6 ${mesh}/64 `));
    expect(stdout).not.toMatch(/fdfc|^default/m);
    expect(stdout).toMatch(/\0udhcpc\0/);
  });

  test.each([
    ["MAN8S_ULA_ADDRESS", "Cannot set up IPv6 to the world: MAN8S_ULA_ADDRESS is no IPv6 address"],
    [
      "MAN8S_YGGDRASIL_ADDRESS",
      "Cannot set up the mesh: MAN8S_YGGDRASIL_ADDRESS is no IPv6 address",
    ],
  ])("a bad %s is said, and the app starts", (variable, message) => {
    const { stdout, stderr, code } = boot(
      "host0",
      { ...bridge, [variable]: "300::x" },
      "echo runs",
    );
    expect([code, stdout]).toEqual([0, "runs\n"]);
    expect(stderr).toContain(message);
  });

  test("an interface that is not there is said, and the app starts", () => {
    const { code, stderr } = boot("other0", bridge, "true");
    expect(code).toBe(0);
    expect(stderr).toContain('Cannot set up the network: there is no "host0", going on without it');
  });
});
