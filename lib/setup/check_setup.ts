/**
 * What keeps a host from being set up, found before anything is changed.
 *
 * @module
 */

import { formatPrefix, type Ipv6Prefix } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { installHint } from "../host/install_hint.ts";
import type { HostNetwork } from "../network/host_network.ts";
import { formatIpv4Network } from "../network/ipv4.ts";
import type { Backend } from "./backend.ts";
import type { NetworkWishes } from "./choose_network.ts";
import { readFileState } from "./file_state.ts";
import type { NetworkInterface } from "./networks_in_use.ts";
import { type BackendName, networkOf, type SetupFacts } from "./record.ts";
import type { UnitFacts } from "./units.ts";

/** What the command line says; undefined where it says nothing. */
export interface SetupWishes extends NetworkWishes {
  readonly backend?: BackendName | undefined;
  readonly bridge?: string | undefined;
  readonly uplink?: string | undefined;
}

/**
 * Wants no flag to contradict a set-up that stands: machines would keep what they were made with.
 *
 * @throws {MbctlError} (conflict)
 */
export function checkUnchanged(wishes: SetupWishes, done: SetupFacts | undefined): void {
  if (done === undefined) return;
  const standing = networkOf(done);
  const rows = [
    ["backend", wishes.backend, done.backend],
    ["bridge", wishes.bridge, done.network.bridge],
    ["ULA network", text(wishes.ula, formatPrefix), formatPrefix(standing.ula)],
    ["IPv4 network", text(wishes.ipv4, formatIpv4Network), formatIpv4Network(standing.ipv4)],
  ] as const;
  for (const [what, wish, is] of rows) {
    if (wish === undefined || wish === is) continue;
    throw new MbctlError(
      "conflict",
      `Cannot change the host's ${what} to ${wish}: it is set up with ${is}`,
      {
        hint: "mbctl host teardown --keep-key, then mbctl host setup with the new values",
      },
    );
  }
}

function text<T>(value: T | undefined, format: (value: T) => string): string | undefined {
  return value === undefined ? undefined : format(value);
}

/** @throws {MbctlError} (host) for a service that is not installed, or masked. */
export function checkUnit(name: string, unit: UnitFacts | undefined): void {
  const program = name.replace(/\.service$/, "");
  if (unit?.isMasked) {
    throw new MbctlError("host", `Cannot use ${program}: its unit is masked`, {
      hint: `systemctl unmask ${name}`,
    });
  }
  if (!unit?.isThere) {
    throw new MbctlError("host", `Cannot find the service "${program}": it is not installed`, {
      hint: installHint(program),
    });
  }
}

/** @throws {MbctlError} (host) for a service that does not run, and would take over other links if it did. */
export function checkRuns(name: string, unit: UnitFacts | undefined): void {
  if (unit?.isActive === true) return;
  throw new MbctlError("host", `Cannot use ${name.replace(/\.service$/, "")}: it does not run`, {
    hint: `systemctl enable --now ${name}, which takes over the host's other links as well`,
  });
}

/**
 * Wants yggdrasil's key and config.toml to name one prefix: else machines have addresses that nobody reaches.
 *
 * @throws {MbctlError} (conflict)
 */
export function checkPrefix({ config }: Host, prefix: Ipv6Prefix): void {
  if (config.prefix === undefined || config.prefix === prefix) return;
  throw new MbctlError(
    "conflict",
    `Cannot use the prefix ${formatPrefix(config.prefix)} of config.toml: yggdrasil's key gives ${formatPrefix(prefix)}`,
    { hint: "remove the line prefix = … from /etc/mbctl/config.toml" },
  );
}

/**
 * Wants an interface of the bridge's name to be a bridge for machines, ours or one made by hand.
 *
 * @throws {MbctlError} (conflict)
 */
export function checkBridge(
  backend: Backend,
  network: HostNetwork,
  interfaces: readonly NetworkInterface[],
  done: SetupFacts | undefined,
): void {
  const present = interfaces.find(({ name }) => name === network.bridge);
  if (present === undefined || done !== undefined) return;
  const isOurs =
    present.kind === "bridge" &&
    backend.files(network).some(({ path }) => readFileState(path) !== undefined);
  if (isOurs) return;
  throw new MbctlError(
    "conflict",
    `Cannot make the bridge ${JSON.stringify(network.bridge)}: there is an interface of that name, and mbctl did not make it`,
    { hint: "choose another with --bridge NAME" },
  );
}
