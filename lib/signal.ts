/**
 * Signals as images name them (OCI image-spec, config.md, `StopSignal`: `SIGNAME` or `SIGRTMIN+n`;
 * Docker takes `QUIT`, `sigquit`, `3` and `SIGRTMAX-n` too).
 *
 * @module
 */
import type { Branded } from "./brand.ts";
import { usageError } from "./errors.ts";

/** `SIGQUIT` or `SIGRTMIN+3`: upper case, with its prefix. */
export type SignalName = Branded<string, "SignalName">;

/** signal(7), the column of x86, arm64, riscv, ppc64le and s390x; the first name of a number is the canonical one. */
const NUMBERS: readonly (readonly [name: string, number: number])[] = [
  ["HUP", 1],
  ["INT", 2],
  ["QUIT", 3],
  ["ILL", 4],
  ["TRAP", 5],
  ["ABRT", 6],
  ["IOT", 6],
  ["BUS", 7],
  ["FPE", 8],
  ["KILL", 9],
  ["USR1", 10],
  ["SEGV", 11],
  ["USR2", 12],
  ["PIPE", 13],
  ["ALRM", 14],
  ["TERM", 15],
  ["STKFLT", 16],
  ["CHLD", 17],
  ["CLD", 17],
  ["CONT", 18],
  ["STOP", 19],
  ["TSTP", 20],
  ["TTIN", 21],
  ["TTOU", 22],
  ["URG", 23],
  ["XCPU", 24],
  ["XFSZ", 25],
  ["VTALRM", 26],
  ["PROF", 27],
  ["WINCH", 28],
  ["IO", 29],
  ["POLL", 29],
  ["PWR", 30],
  ["SYS", 31],
];

/** The first real-time signal that glibc and musl leave to programs (34 and 35; images are mostly of glibc's view). */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** What stops a container whose image says nothing. */
export const DEFAULT_STOP_SIGNAL = parseSignal("SIGTERM");

/**
 * Reads a signal by name (any case, with or without SIG), by number, or as SIGRTMIN+n, SIGRTMAX-n.
 *
 * @throws MbctlError (usage) for anything else, SIG 0, 32 and 33 (the C library's own) included
 */
export function parseSignal(text: string): SignalName {
  const number = numberOf(text.trim().toUpperCase().replace(/^SIG/, ""));
  if (number === undefined) {
    throw usageError(
      `Cannot parse the signal ${JSON.stringify(text)}: no such signal`,
      "signals are written SIGTERM, SIGRTMIN+3 or 15",
    );
  }
  return nameOf(number) as SignalName;
}

/** The number of a signal on the architectures that mbctl runs on. */
export function signalNumber(signal: SignalName): number {
  const number = numberOf(signal.slice(3));
  if (number === undefined) throw new TypeError(`not a parsed signal: ${signal}`);
  return number;
}

function nameOf(number: number): string {
  if (number === SIGRTMIN) return "SIGRTMIN";
  if (number > SIGRTMIN) return `SIGRTMIN+${number - SIGRTMIN}`;
  return `SIG${NUMBERS.find((row) => row[1] === number)?.[0]}`;
}

function numberOf(bare: string): number | undefined {
  const numeric = /^[0-9]{1,2}$/.test(bare) ? Number(bare) : undefined;
  if (numeric !== undefined) {
    return (numeric >= 1 && numeric <= 31) || (numeric >= SIGRTMIN && numeric <= SIGRTMAX)
      ? numeric
      : undefined;
  }
  const realTime = /^RT(?:MIN(?:\+([0-9]{1,2}))?|MAX(?:-([0-9]{1,2}))?)$/.exec(bare);
  if (realTime !== null) {
    const number = bare.startsWith("RTMIN")
      ? SIGRTMIN + Number(realTime[1] ?? 0)
      : SIGRTMAX - Number(realTime[2] ?? 0);
    return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
  }
  return NUMBERS.find((row) => row[0] === bare)?.[1];
}
