/**
 * Loads the firewall into the kernel.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { CommandError, type RunOptions } from "../host/run.ts";

const tables = ["inet mbctl", "bridge mbctl"];

/**
 * Asks the kernel whether it would take a script; nothing is changed.
 *
 * @throws {MbctlError} (host) without nft, (tool) with nft's words when it is refused.
 */
export async function checkFirewall(host: Host, script: string): Promise<void> {
  await nft(host, ["--check", "--file", "-"], { input: script });
}

/**
 * Loads a script that {@linkcode "render_firewall.ts"} made, in one transaction.
 *
 * @param path of the script.
 * @throws {MbctlError} (host) without nft, (tool) with nft's words when the kernel refuses; what was loaded
 * before stays.
 */
export async function loadFirewall(host: Host, path: string): Promise<void> {
  await nft(host, ["--file", path]);
}

/** Takes our tables out of the kernel; none is no error. */
export async function unloadFirewall(host: Host): Promise<void> {
  // "delete" alone fails without a table, "destroy" is not known to nft 1.0.6.
  const script = tables.map((table) => `table ${table}\ndelete table ${table}\n`).join("");
  await nft(host, ["--file", "-"], { input: script });
}

/** Whether both of our tables are in the kernel. */
export async function isFirewallLoaded(host: Host): Promise<boolean> {
  const { stdout } = await nft(host, ["list", "tables"]);
  const loaded = stdout.split("\n");
  return tables.every((table) => loaded.includes(`table ${table}`));
}

async function nft(host: Host, words: readonly string[], options: RunOptions = {}) {
  try {
    return await host.run(["nft", ...words], { timeoutMs: 30_000, ...options });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const said = error.result.stderr.trim();
    const isOwned = /Operation not permitted/.test(said);
    throw new MbctlError("tool", "Cannot use the firewall: nft and the kernel refuse", {
      cause: new Error(said === "" ? error.message : said),
      hint: isOwned
        ? 'another program may have locked tables of our names: nft list ruleset | grep -A1 "mbctl {"'
        : "nothing was changed; nft list ruleset shows what is loaded",
    });
  }
}
