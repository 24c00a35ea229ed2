/**
 * Another host, as ssh(1) reaches it. Pure.
 *
 * @module
 */

import { isIpv6 } from "../address/ipv6.ts";
import type { Branded } from "../brand.ts";
import { quoteWords } from "../env/posix_sh.ts";
import { usageError } from "../errors.ts";

/** A name or address that is no option to any program. */
type SshHost = Branded<string, "SshHost">;

export interface SshTarget {
  readonly user: string | undefined;
  readonly host: SshHost;
  readonly port: number | undefined;
}

/**
 * Reads `ssh://[USER@]HOST[:PORT]`; an IPv6 address stands in brackets.
 *
 * @throws {MbctlError} (usage)
 */
export function parseSshTarget(text: string): SshTarget {
  const [, user, address, name, port] =
    /^ssh:\/\/(?:([^@/]*)@)?(?:\[([^\]/]*)\]|([^:/[\]@]*))(?::(\d{1,5}))?\/?$/.exec(text) ?? [];
  const host = address ?? name ?? "";
  const isHost =
    address === undefined
      ? /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/.test(host)
      : isIpv6(address);
  const isUser = user === undefined || /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/.test(user);
  const number = port === undefined ? undefined : Number(port);
  const isPort = number === undefined || (number >= 1 && number <= 65535);
  if (!isHost || !isUser || !isPort) {
    throw usageError(
      `Cannot use ${JSON.stringify(text)} as a host: it is no ssh:// address`,
      "write ssh://[USER@]HOST[:PORT], as in ssh://root@hostb",
    );
  }
  return { user, host: host as SshHost, port: number };
}

/** `root@hostb`, as ssh and people call it. */
export function formatSshTarget({ user, host }: SshTarget): string {
  return user === undefined ? host : `${user}@${host}`;
}

/** Asks nothing: where a password or an unknown key stands in the way, ssh says so and ends. */
const options = [
  ...["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"],
  // A host that is gone is known after 30 seconds.
  ...["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"],
  ...["-T"],
];

function sshOptions({ port }: SshTarget): string[] {
  return ["ssh", ...options, ...(port === undefined ? [] : ["-p", String(port)])];
}

/** What runs these words on the host; its shell gets them quoted. */
export function sshWords(target: SshTarget, words: readonly string[]): string[] {
  return [...sshOptions(target), "--", formatSshTarget(target), quoteWords(words)];
}

/** What makes a folder there the same as one here, with all attributes; what is the same already is not sent. */
export function rsyncWords(target: SshTarget, from: string, to: string): string[] {
  const { user, host } = target;
  const at = `${user === undefined ? "" : `${user}@`}${host.includes(":") ? `[${host}]` : host}`;
  return [
    ...["rsync", "-aHAXS", "--numeric-ids", "--delete", "--protect-args"],
    `--rsh=${quoteWords(sshOptions(target))}`,
    ...["--", `${from}/`, `${at}:${to}/`],
  ];
}
