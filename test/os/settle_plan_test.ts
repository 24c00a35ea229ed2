import { describe, expect, test } from "bun:test";
import { planSettling } from "../../lib/os/settle_plan.ts";
import { settleCopy, settleSystem } from "../../lib/os/settle_system.ts";
import { readTree } from "../../lib/os/read_tree.ts";
import { systemFacts } from "../../lib/os/system_facts.ts";
import type { TreeChange } from "../../lib/os/tree_change.ts";
import { expectGolden } from "../golden/golden.ts";
import { makeTestTree, settings, trees } from "./_trees.ts";

const isRoot = process.getuid?.() === 0;

/** Facts, changes and remarks as a text to read. */
function shown(tree: string, isNew: boolean): string {
  const { facts, changes, remarks } = planSettling(readTree(tree), settings, { isNew });
  return [
    ...Object.entries(facts).map(([key, value]) => `${key}: ${value}`),
    "",
    ...changes.map(shownChange),
    "",
    ...remarks.map((text) => `- ${text}`),
  ].join("\n");
}

function shownChange(change: TreeChange): string {
  switch (change.kind) {
    case "write": {
      const mode = change.mode === undefined ? "as it was" : change.mode.toString(8);
      return `write ${change.path} (${mode})\n${change.text.replace(/^/gm, "    ").trimEnd()}`;
    }
    case "link":
      return `link ${change.path} -> ${change.target}`;
    case "remove":
    case "empty":
      return `${change.kind} ${change.path}`;
    case "copy-folder":
      return `copy ${change.from} to ${change.path} (${change.mode.toString(8)}, ${change.owner.uid}:${change.owner.gid})`;
  }
}

describe("planSettling()", () => {
  test.each(Object.keys(trees))("of %s is the golden text", (name) => {
    using tree = makeTestTree(trees[name] ?? {});
    expectGolden(`os/settle/${name}.txt`, `${shown(tree.path, true)}\n`);
  });

  test("of a system that was settled before touches its name and addresses alone", () => {
    using tree = makeTestTree(trees["ubuntu24.04"] ?? {});
    expectGolden("os/settle/again.txt", `${shown(tree.path, false)}\n`);
  });

  test.each([
    ["bridge", true],
    ["private", false],
    ["host", false],
  ] as const)("of a machine with the network %s waits for it at boot: %p", (kind, isWaiting) => {
    using tree = makeTestTree(trees.debian13 ?? {});
    const network = { ...settings.network, connection: { kind } };
    const plan = planSettling(readTree(tree.path), { ...settings, network }, { isNew: true });
    const names = plan.changes.map(({ path }) => path.split("/").at(-1));
    expect(names.includes("systemd-networkd-wait-online.service")).toBe(isWaiting);
  });

  test("of a machine in the host's network writes no addresses", () => {
    using tree = makeTestTree(trees.debian7 ?? {});
    const network = { ...settings.network, connection: { kind: "host" } } as const;
    const { changes } = planSettling(
      readTree(tree.path),
      { ...settings, network },
      { isNew: false },
    );
    expect(changes.map(({ path }) => path)).toEqual(["/etc/hostname", "/etc/hosts"]);
  });
});

describe.skipIf(!isRoot)("settleSystem()", () => {
  test.each(Object.keys(trees))("of %s, once more, finds nothing left to change", (name) => {
    using tree = makeTestTree(trees[name] ?? {});
    settleSystem(tree.path, settings, { isNew: true });
    const facts = systemFacts(readTree(tree.path));
    const before = readTree(tree.path);
    const texts = ["hosts", "hostname", "passwd", "group", "shadow", "subuid", "resolv.conf"];
    const first = texts.map((file) => before.read(`/etc/${file}`));
    settleSystem(tree.path, settings, { isNew: true });
    expect(texts.map((file) => readTree(tree.path).read(`/etc/${file}`))).toEqual(first);
    expect(systemFacts(readTree(tree.path))).toEqual(facts);
  });

  test("of a copy under another name takes what it is known by, and nothing else", () => {
    using tree = makeTestTree(trees["ubuntu24.04"] ?? {});
    const view = readTree(tree.path);
    settleCopy(tree.path);
    expect([view.read("/etc/machine-id"), view.list("/etc/ssh")]).toEqual(["", ["sshd_config"]]);
    expect(view.kind("/etc/systemd/system/mbctl-ssh-host-keys.service")).toBe("file");
    // Of settings that a new system loses, its administrator may have made these.
    expect(view.kind("/usr/sbin/policy-rc.d")).toBe("file");
  });

  test("keeps what an administrator changed since: a password, a unit that is no longer masked", () => {
    using tree = makeTestTree(trees.debian13 ?? {});
    settleSystem(tree.path, settings, { isNew: true });
    const view = readTree(tree.path);
    expect(view.kind("/etc/systemd/system/fstrim.timer")).toBe("link");
    Bun.spawnSync(["rm", `${tree.path}/etc/systemd/system/fstrim.timer`]);
    Bun.spawnSync(["sed", "-i", "s/^root:[^:]*/root:hash/", `${tree.path}/etc/shadow`]);
    settleSystem(tree.path, { ...settings, name: "other" as typeof settings.name });
    expect(view.kind("/etc/systemd/system/fstrim.timer")).toBeUndefined();
    expect(view.read("/etc/shadow")).toStartWith("root:hash:");
    expect(view.read("/etc/hosts")).toContain("127.0.1.1\tother\n");
    expect(view.read("/etc/hosts")).not.toContain("box");
  });
});
