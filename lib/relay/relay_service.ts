/**
 * The processes that relay, as services of systemd: systemd's own where it does the job, ours for the rest.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { HostMachine } from "../network/host_state.ts";
import { execShell } from "../nspawn/exec_shell.ts";
import { type UnitItem, unitComment, unitEntry, unitSection } from "../nspawn/unit_file.ts";
import { formatRelayOptions } from "./relay_options.ts";
import { netnsPath, type RelayKind } from "./unit_names.ts";

/** The programs that relay, as the host itself sees them. */
export interface RelayTools {
  /** systemd-socket-proxyd(8) */
  readonly socketProxyd: string;
  /** The words that start mbctl as a relay. */
  readonly ownRelay: readonly string[];
}

/** Clients of one port at a time. A connection takes up to six descriptors: two sockets, two pipes. */
const clientLimit = 8192;
const descriptorLimit = 65_536;
/** A relay that nobody uses goes; its socket stays, and starts it again. */
const exitIdleSec = 300;
/** As long as the kernel remembers a conversation of UDP (nf_conntrack_udp_timeout_stream). */
const datagramIdleSec = 120;

/** The first IPv4 address of a network namespace that is not the loopback's: lines `|-- ADDRESS`, then `/32 host LOCAL`. */
const ownAddress = 'sed -n "/|--/h; /host LOCAL/{x; s/.*-- //; /^127/!{p; q}}" /proc/net/fib_trie';

/** Where the app is reached from inside the machine, as shell that leaves it in `$a`. */
function findTarget({ template }: HostMachine): string[] {
  // There is no other address in a network with nothing in it.
  if (template.network.kind === "private") return ["a=127.0.0.1"];
  // Not 127.0.0.1: images trust it (pg_hba.conf of postgres: no password), and our clients are not local.
  return [
    "n=0",
    `while a=$(${ownAddress}); [ -z "$a" ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done`,
    `[ -n "$a" ] || { echo "the machine has no IPv4 address"; exit 1; }`,
  ];
}

/**
 * The `[Service]` of a relay to a port of a machine, run in the machine's network.
 *
 * @param port a number, or `%i` for the unit's instance.
 */
export function relayService(
  machine: HostMachine,
  port: number | "%i",
  kind: RelayKind,
  tools: RelayTools,
): UnitItem[] {
  const isOwn = kind.protocol === "udp" || kind.isProxied;
  const limits = {
    clientLimit,
    idleMs: datagramIdleSec * 1000,
    exitIdleMs: exitIdleSec * 1000,
  };
  const words = isOwn
    ? [...tools.ownRelay, ...formatRelayOptions({ ...kind, ...limits }, `$a:${port}`)]
    : [
        tools.socketProxyd,
        `--connections-max=${clientLimit}`,
        `--exit-idle-time=${exitIdleSec}s`,
        `$a:${port}`,
      ];
  return [
    unitSection("Service"),
    unitEntry("Type", "exec"),
    unitEntry(
      "ExecStart",
      execShell([...findTarget(machine), `exec ${words.map(shellWord).join(" ")}`], "mbctl-relay"),
    ),
    unitEntry("NetworkNamespacePath", netnsPath(machine.spec.name)),
    unitEntry("LimitNOFILE", String(descriptorLimit)),
    ...(isOwn ? [unitEntry("NonBlocking", "yes")] : []),
    unitEntry("DynamicUser", "yes"),
    ...sandbox("AF_UNIX AF_INET AF_INET6"),
    ...(isOwn
      ? [unitComment("Not MemoryDenyWriteExecute=: JavaScript is translated while it runs.")]
      : [unitEntry("MemoryDenyWriteExecute", "yes")]),
  ];
}

/** What no process of ours needs (systemd.exec(5)). */
export function sandbox(families: string): UnitItem[] {
  return [
    unitEntry("NoNewPrivileges", "yes"),
    unitEntry("CapabilityBoundingSet", ""),
    unitEntry("ProtectSystem", "strict"),
    unitEntry("ProtectHome", "yes"),
    unitEntry("PrivateTmp", "yes"),
    unitEntry("PrivateDevices", "yes"),
    unitEntry("ProtectKernelTunables", "yes"),
    unitEntry("ProtectKernelModules", "yes"),
    unitEntry("ProtectControlGroups", "yes"),
    unitEntry("RestrictNamespaces", "yes"),
    unitEntry("RestrictSUIDSGID", "yes"),
    unitEntry("LockPersonality", "yes"),
    unitEntry("RestrictAddressFamilies", families),
    unitEntry("SystemCallFilter", "@system-service"),
    unitEntry("SystemCallErrorNumber", "EPERM"),
    unitEntry("SystemCallArchitectures", "native"),
  ];
}

function shellWord(word: string): string {
  if (/^[A-Za-z0-9_./@:+=%$-]+$/.test(word)) return word.includes("$") ? `"${word}"` : word;
  throw usageError(
    `Cannot write ${JSON.stringify(word)} to a unit: a path of mbctl holds more than letters, digits and "_./@:+=%-"`,
    "install mbctl in /usr/local/bin",
  );
}
