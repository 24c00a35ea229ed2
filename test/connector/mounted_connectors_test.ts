import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callerFolder } from "../../lib/connector/connector_paths.ts";
import { hasConnectorsMounted } from "../../lib/connector/mounted_connectors.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

test("hasConnectorsMounted() tells the machine's own folder from another one at that path, and from none", async () => {
  const web = parseMachineName("web");
  const other = parseMachineName("other");
  const root = mkdtempSync(join(tmpdir(), "mbctl-mounted-"));
  try {
    const tree = join(root, "tree");
    for (const path of [
      join(tree, "connectors"),
      callerFolder(root, web),
      callerFolder(root, other),
    ])
      mkdirSync(path, { recursive: true });
    copyFileSync(Bun.which("busybox") ?? "", join(tree, "busybox"));
    const script = `$2 "$1" "$0/connectors" && exec chroot "$0" /busybox sh -c 'echo in; exec /busybox sleep 60'`;
    const start = async (command: string) => {
      const child = Bun.spawn(
        ["unshare", "--mount", "sh", "-c", script, tree, callerFolder(root, web), command],
        { stdout: "pipe" },
      );
      // Once it says something, its root is the tree.
      await child.stdout.getReader().read();
      return child;
    };
    const mounted = await start("mount --bind");
    const plain = await start("true");
    try {
      expect(hasConnectorsMounted(root, web, mounted.pid)).toBe(true);
      expect(hasConnectorsMounted(root, other, mounted.pid)).toBe(false);
      expect(hasConnectorsMounted(root, web, plain.pid)).toBe(false);
      expect(hasConnectorsMounted(root, web, undefined)).toBe(false);
      rmSync(callerFolder(root, web), { recursive: true });
      expect(hasConnectorsMounted(root, web, mounted.pid)).toBe(false);
    } finally {
      for (const child of [mounted, plain]) {
        child.kill("SIGKILL");
        await child.exited;
      }
    }
    // It has ended.
    expect(hasConnectorsMounted(root, web, mounted.pid)).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
}, 20_000);
