import { describe, expect, test } from "bun:test";
import {
  enterAsRoot,
  enterBounded,
  type Entrance,
  enterSandboxed,
} from "../../lib/watch/enter_as.ts";

const entrance: Entrance = {
  programs: { nsenter: "/usr/bin/nsenter", setpriv: "/usr/bin/setpriv" },
  options: ["--target=7", "--mount", "--pid", "--user", "--root", "--wd"],
  bounds: new Set([0, 7]),
  hasNoNewPrivileges: true,
  isRoots: true,
  onHost: (user) => user,
};
const root = { uid: 0, gid: 0, groups: [] };

describe("enterSandboxed()", () => {
  test("root gets in by capabilities that it does not keep", () => {
    expect(enterSandboxed(entrance, root, "/srv", "/bb")?.join(" ")).toBe(
      [
        "/usr/bin/nsenter --target=7 --user --",
        "/usr/bin/setpriv --inh-caps=-all,+sys_admin,+sys_chroot,+sys_ptrace --",
        "/usr/bin/setpriv --clear-groups --bounding-set=-all,+cap_0,+cap_7 --no-new-privs --",
        "/usr/bin/nsenter --target=7 --mount --pid --root --wdns=/srv --",
        "/bb setpriv --inh-caps=-sys_admin,-sys_chroot,-sys_ptrace",
      ].join(" "),
    );
  });

  test("the kernel leaves it with the bounds alone, as the words are in their order", () => {
    const chain = enterSandboxed(entrance, root, "/", Bun.which("busybox") ?? "") ?? [];
    // In a user namespace of our own; the namespaces that it would enter are those that it is in.
    const words = chain
      .join(" ")
      .replace(/^\S+ --target=7 --user -- /, "")
      .replace(/\S+ --target=7 --mount \S+ \S+ \S+ -- /, "")
      // Not to be had in one that maps a single group.
      .replace("--clear-groups ", "");
    const { stdout, exitCode, stderr } = Bun.spawnSync([
      ...["unshare", "--user", "--map-root-user", "--", "sh", "-c"],
      `${words} grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status`,
    ]);
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    const set = "0000000000000081";
    const none = "0000000000000000";
    expect(stdout.toString()).toBe(
      `CapInh:\t${none}\nCapPrm:\t${set}\nCapEff:\t${set}\nCapBnd:\t${set}\nCapAmb:\t${none}\n`,
    );
  });

  test("is for root, in a sandbox with users of its own", () => {
    expect(enterSandboxed(entrance, { ...root, uid: 1 }, "/", "/bb")).toBeUndefined();
    expect(enterSandboxed(entrance, { ...root, groups: [5] }, "/", "/bb")).toBeUndefined();
    const options = ["--target=7", "--mount"];
    expect(enterSandboxed({ ...entrance, options }, root, "/", "/bb")).toBeUndefined();
  });
});

describe("enterAsRoot()", () => {
  test("is bounded where the bounds let it in, sandboxed where a busybox is there, and else cannot be", () => {
    const usual = { ...entrance, bounds: new Set([0, 7, 18, 21]) };
    expect(enterAsRoot(usual, "/bb")).toEqual(enterBounded(usual, root) ?? []);
    expect(enterAsRoot(entrance, "/bb")?.join(" ")).toBe(
      enterSandboxed(entrance, root, "/d", "/bb")?.join(" ").replace("--wdns=/d", "--wd"),
    );
    expect(enterAsRoot(entrance, undefined)).toBeUndefined();
    expect(enterAsRoot({ ...entrance, options: ["--target=7", "--mount"] }, "/bb")).toBeUndefined();
  });
});
