/**
 * Brings a host's firewall in line with its state, on the disk and in the kernel.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { makeDirectory, writeFileDurably, writeSymlink } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import type { HostState } from "../network/host_state.ts";
import { firewallBootLink, firewallFiles, firewallUnit } from "./firewall_files.ts";
import { checkFirewall, loadFirewall } from "./load_firewall.ts";

/**
 * Writes what differs and loads it. The kernel is asked before anything is written, so that a script that it
 * refuses replaces neither the file nor what is loaded; the file is there before it is loaded, so that a machine that
 * starts meanwhile loads no older one behind us.
 *
 * @throws {MbctlError} (host) without nft, (tool) when the kernel refuses.
 */
export async function deriveFirewall(host: Host, state: HostState): Promise<void> {
  const [script, ...units] = firewallFiles(state);
  if (host.isLive) await checkFirewall(host, script.text);
  const write = ({ path, text, mode }: typeof script) => {
    makeDirectory(dirname(join(host.root, path)), 0o755);
    return writeFileDurably(join(host.root, path), text, mode);
  };
  write(script);
  if (host.isLive) await loadFirewall(host, join(host.root, script.path));

  const written = units.map(write);
  const bootLink = join(host.root, firewallBootLink.path);
  makeDirectory(dirname(bootLink), 0o755);
  const isLinked = writeSymlink(bootLink, firewallBootLink.target);
  if (!host.isLive || !(isLinked || written.includes(true))) return;
  await host.run(["systemctl", "daemon-reload"], { timeoutMs: 60_000 });
  await host.run(["systemctl", "start", firewallUnit], { timeoutMs: 60_000 });
}
