/**
 * The firewall of a host as one nft(8) script.
 *
 * @module
 */

import type { HostState } from "../network/host_state.ts";
import { renderBridgeTable } from "./bridge_table.ts";
import { renderInetTable } from "./inet_table.ts";

const head = `# The firewall of this host's machines. mbctl renders it from /etc/mbctl/config.toml and every machine.toml:
# edit those, then run: mbctl host reload
#
# It has two tables, "inet mbctl" and "bridge mbctl", and touches no other. nft(8) loads the whole script
# in one transaction, so that there is no moment without a firewall.
`;

/** Renders the whole script; loading it replaces what an earlier one made, in one transaction. */
export function renderFirewall(state: HostState): string {
  const machines = state.machines.filter(({ template }) => template.network.kind === "bridge");
  return [
    head,
    "# Who may reach machines. A packet that is accepted here may still be dropped in tables of others.",
    renderInetTable(state, machines),
    "# What machines may send.",
    renderBridgeTable(state, machines),
  ].join("\n");
}
