/**
 * Finds the static busybox that becomes the heart of man8s-init.
 *
 * @module
 */

import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { isStaticElf, missingApplets } from "../init/busybox.ts";
import type { Host } from "./host.ts";
import { installHint } from "./install_hint.ts";

/** Where the distributions put it: Debian and Ubuntu, Fedora and Arch, Alpine. */
const places = [
  "/bin/busybox",
  "/usr/bin/busybox",
  "/usr/sbin/busybox",
  "/sbin/busybox",
  "/bin/busybox.static",
] as const;

/** Where a host below `root` has its busybox, as the host itself sees it; not looked into. */
export function busyboxPlace({ root, config }: Pick<Host, "root" | "config">): string {
  if (config.busybox !== undefined) return config.busybox;
  return places.find((path) => existsSync(join(root, path))) ?? places[0];
}

/**
 * The path of a static busybox with the applets that man8s-init uses.
 *
 * @throws {MbctlError} (host) when there is none, or it is dynamic, or lacks an applet.
 */
export async function findBusybox(host: Host): Promise<string> {
  const configured = host.config.busybox;
  const candidates = (configured === undefined ? places : [configured]).filter((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  const found = candidates.find((path) => isStaticElf(readFileSync(path)));
  if (found === undefined) {
    const [dynamic] = candidates;
    throw dynamic === undefined
      ? new MbctlError(
          "host",
          `Cannot find busybox${configured ? ` at ${configured}` : ""}: it is not installed`,
          {
            hint: installHint("busybox"),
          },
        )
      : new MbctlError(
          "host",
          `Cannot use ${dynamic}: it is linked dynamically, and would not run in every image`,
          {
            hint: installHint("busybox"),
          },
        );
  }
  const path = realpathSync(found);
  const missing = missingApplets((await host.run([path, "--list"])).stdout);
  if (missing.length > 0) {
    throw new MbctlError("host", `Cannot use ${path}: it lacks the applets ${missing.join(", ")}`, {
      hint: "install your distribution's full static busybox, or name one in /etc/mbctl/config.toml",
    });
  }
  return path;
}
