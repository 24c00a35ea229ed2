/**
 * The machines' bridge of a lab host, by the project's own systemd-configs.
 *
 * @module
 */
import { join } from "node:path";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { forwardingFile, networkdFiles, resolverFile } from "../../lib/network/host_bridge.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import type { Host } from "./host.ts";
import { waitFor } from "./wait_for.ts";

/** The folder with the bridge's files, and the built-in templates. */
export const systemdConfigs = join(import.meta.dir, "../../systemd-configs");

/**
 * Installs the bridge's files as `mbctl host setup` does, without its other work, and waits until networkd
 * has made the bridge and given it its mesh address.
 *
 * @param prefix first four groups of the host's /64, `300:2e98:a4b0:1789`.
 */
export async function installBridge(host: Host, prefix: string): Promise<void> {
  const network = { ...defaultHostNetworks, prefix: parsePrefix(`${prefix}::/64`) };
  const files = [...networkdFiles(network), resolverFile(network), forwardingFile(network, [])];
  for (const { path, text } of files) await host.writeFile(path, text);
  await host.run(["networkctl", "reload"]);
  await host.run(["systemctl", "restart", "systemd-resolved.service"]);
  await waitForBridge(host, prefix);
}

/** Waits until the bridge has its mesh address; to be called after a boot as well. */
export async function waitForBridge(host: Host, prefix: string): Promise<void> {
  // systemd-sysctl.service does not run in a container, where /proc/sys is read-only but for /proc/sys/net.
  await host.sh('for file in /etc/sysctl.d/80-man8s*.conf; do sysctl --quiet --load "$file"; done');
  await waitFor(
    async () =>
      (await host.run(["ip", "-6", "-o", "address", "show", "to", `${prefix}::1/128`])).stdout !==
      "",
    {
      what: `the bridge of lab host "${host.name}"`,
      explain: async () =>
        (
          await host.sh(
            "ip address; journalctl -u systemd-networkd -n 30 --no-pager; networkctl --no-pager",
          )
        ).stdout,
    },
  );
}
