/**
 * Reads whether what follows from config.toml and all machine.toml is there and loaded.
 *
 * @module
 */

import { join } from "node:path";
import { MbctlError } from "../errors.ts";
import { firewallBootLink, firewallFiles } from "../firewall/firewall_files.ts";
import { renderFirewall } from "../firewall/render_firewall.ts";
import { previewHealth } from "../health/derive_health.ts";
import { nameExists, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { readHostState } from "../machine/derive.ts";
import { updateHostsFile } from "../names/hosts_block.ts";
import type { HostState } from "../network/host_state.ts";
import { previewRelays } from "../relay/derive_relays.ts";
import { withoutLearned } from "./firewall_listing.ts";
import type { DerivedFacts } from "./host_facts.ts";
import { ask } from "./probe.ts";

/** Reads all facts of this part. */
export async function readDerived(host: Host): Promise<DerivedFacts> {
  const problems: MbctlError[] = [];
  let state: HostState;
  try {
    state = await readHostState(host, (problem) => problems.push(problem));
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    return {
      problem: error.message,
      firewall: "absent",
      hasHostsBlock: false,
      badSettings: [],
      staleFiles: [],
    };
  }
  const hosts = readTextIfPresent(join(host.root, "etc/hosts"), "latin1") ?? "";
  return {
    problem: undefined,
    firewall: await compareFirewall(host, state),
    hasHostsBlock: updateHostsFile(hosts, state) === hosts,
    badSettings: problems.map(({ message }) => message),
    staleFiles: [
      ...staleFirewallFiles(host.root, state),
      ...[...previewRelays(host.root, state), ...previewHealth(host, state)].map((line) =>
        line.replace(/^(write|remove) /, ""),
      ),
    ],
  };
}

function staleFirewallFiles(root: string, state: HostState): string[] {
  const files = firewallFiles(state)
    .filter(({ path, text }) => readTextIfPresent(join(root, path)) !== text)
    .map(({ path }) => path);
  const { path } = firewallBootLink;
  return nameExists(join(root, path)) ? files : [...files, path];
}

/** Lists our tables as the kernel has them, without what packets change (nft(8), --stateless). */
const listTables =
  "nft --stateless list table inet mbctl && nft --stateless list table bridge mbctl";

/**
 * Compares what is loaded with what would be: the script is loaded into a network namespace that is
 * made for it, and both are listed by the same nft, whose form of writing them is its own.
 */
async function compareFirewall(host: Host, state: HostState): Promise<DerivedFacts["firewall"]> {
  const [loaded, wanted] = await Promise.all([
    ask(host, ["/bin/sh", "-c", listTables]),
    ask(host, ["unshare", "--net", "--", "/bin/sh", "-c", `nft --file - && ${listTables}`], {
      input: renderFirewall(state),
    }),
  ]);
  if (!loaded.isDone) return "absent";
  const isEqual = withoutLearned(wanted.stdout) === withoutLearned(loaded.stdout);
  return wanted.isDone && isEqual ? "equal" : "different";
}
