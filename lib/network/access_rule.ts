/**
 * Who may open connections to a machine from the mesh: `allow = ["web@hostb", "hostc", "mesh:443/tcp"]`.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { isMachineName, type MachineName } from "../spec/machine_name.ts";
import { formatPortRange, parsePortRange, type PortRange } from "./port.ts";

/** Where connections come from. */
export type AccessSource =
  /** Every host of config.toml, and its machines. */
  | { readonly kind: "trusted" }
  /** Every node of the mesh, strangers too. */
  | { readonly kind: "mesh" }
  /** One host of config.toml, and its machines. */
  | { readonly kind: "host"; readonly host: string }
  /** One machine of a host of config.toml. */
  | { readonly kind: "machine"; readonly machine: MachineName; readonly host: string };

export interface AccessRule {
  readonly from: AccessSource;
  /** The ports that it opens; all, and ping, without. */
  readonly ports?: PortRange | undefined;
}

/** What holds for a machine without `allow`. */
export const defaultAccess: readonly AccessRule[] = [{ from: { kind: "trusted" } }];

/**
 * Reads `SOURCE[:PORT[-PORT][/tcp|/udp]]`. SOURCE is `trusted`, `mesh`, a host of config.toml,
 * or `MACHINE@HOST`. Whether the host is known is not looked at.
 *
 * @throws {MbctlError} (usage)
 */
export function parseAccessRule(text: string): AccessRule {
  const colon = text.indexOf(":");
  const source = colon < 0 ? text : text.slice(0, colon);
  const ports = colon < 0 ? undefined : parsePortRange(text.slice(colon + 1), text);
  return { from: parseSource(source, text), ...(ports === undefined ? {} : { ports }) };
}

function parseSource(source: string, rule: string): AccessSource {
  if (source === "trusted" || source === "mesh") return { kind: source };
  const [first = "", host, ...more] = source.split("@");
  if (more.length === 0 && isMachineName(first)) {
    if (host === undefined) return { kind: "host", host: first };
    if (isMachineName(host)) return { kind: "machine", machine: first, host };
  }
  throw usageError(
    `Cannot read the rule ${JSON.stringify(rule)}: ${JSON.stringify(source)} names nobody`,
    "write trusted, mesh, HOST or MACHINE@HOST, and :PORT/tcp behind it if you like",
  );
}

/** Writes a rule; the inverse of {@linkcode parseAccessRule}. */
export function formatAccessRule({ from, ports }: AccessRule): string {
  const source =
    from.kind === "host"
      ? from.host
      : from.kind === "machine"
        ? `${from.machine}@${from.host}`
        : from.kind;
  return ports === undefined ? source : `${source}:${formatPortRange(ports)}`;
}
