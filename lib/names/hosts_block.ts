/**
 * The names of machines and hosts as lines of /etc/hosts.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import type { HostState } from "../network/host_state.ts";
import { type KnownName, knownNames } from "./known_names.ts";

/** Ends each line of ours, and nothing else does: no mark can be lost or doubled, no other line be taken for ours. */
const mark = "# mbctl";
const header = `# Names of the mesh, from machine.toml and /etc/mbctl ${mark}`;
/** The same, for a file whose last line had no end: the line feed before this one is ours. */
const joinedHeader = `# Names of the mesh, from machine.toml and /etc/mbctl; the line above had no end ${mark}`;

/** Known names as hosts(5) writes them, a line each. Those that nothing resolves to are left out. */
export function hostsLines(known: readonly KnownName[]): string[] {
  return known.flatMap(({ address, names }) =>
    names.length === 0 ? [] : [`${formatIpv6(address)} ${names.join(" ")}`],
  );
}

/**
 * Puts the names of a host into the text of a hosts file: where ours stood, else at the end. A name that another line
 * gives is left to it: the C library would take the first, systemd-resolved both. All other bytes stay as they are;
 * without names, ours go.
 *
 * @param text of the file as it is; empty without one.
 */
export function updateHostsFile(text: string, state: HostState): string {
  const { before, after } = withoutOurs(text);
  const others = namesIn(before + after);
  const known = knownNames(state).map((entry) => ({
    ...entry,
    names: entry.names.filter((name) => !others.has(name)),
  }));
  const lines = hostsLines(known);
  if (lines.length === 0) return before + after;
  const isJoined = before !== "" && !before.endsWith("\n");
  const ours = [isJoined ? joinedHeader : header, ...lines.map((line) => `${line} ${mark}`)];
  return `${before}${isJoined ? "\n" : ""}${ours.join("\n")}\n${after}`;
}

/** All names of a hosts file, in lower case. */
function namesIn(text: string): ReadonlySet<string> {
  const entries = text.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
  return new Set(entries.flatMap(([, ...names]) => names.map((name) => name.toLowerCase())));
}

/** The lines of others, before our first one and behind it. */
function withoutOurs(text: string): { readonly before: string; readonly after: string } {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const isOurs = (line: string) => line.trimEnd().endsWith(mark);
  const first = lines.findIndex(isOurs);
  if (first < 0) return { before: text, after: "" };
  const before = lines.slice(0, first).join("");
  const after = lines
    .slice(first)
    .filter((line) => !isOurs(line))
    .join("");
  const isJoined = after === "" && lines[first]?.trimEnd() === joinedHeader;
  return { before: isJoined ? before.replace(/\n$/, "") : before, after };
}
