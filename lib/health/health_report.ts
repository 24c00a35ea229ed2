/**
 * What check_health.sh found, in words.
 *
 * @module
 */

/** As podman and docker call them. */
export type HealthState = "starting" | "healthy" | "unhealthy";

export interface HealthReport {
  readonly state: HealthState;
  /** Since when it is in this state, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Failures in a row. */
  readonly failingStreak: number;
  /** Of the last probe; 124 when it took too long. Undefined before the first. */
  readonly exitCode: number | undefined;
  /** The systemd-nspawn that ran then. */
  readonly mainPid: number;
  /** When the machine was asked last. */
  readonly askedMs?: number;
  /** What the probe wrote last, without what would move a terminal's cursor. May be secret. */
  readonly output: string;
}

/** Reads the lines `KEY=value`; undefined where there are none, or not all of them. */
export function parseHealthReport(text: string): HealthReport | undefined {
  const values = new Map(
    text.split("\n").map((line) => line.split("=", 2) as [string, string | undefined]),
  );
  const number = (key: string) => {
    const digits = values.get(key);
    return digits !== undefined && /^\d+$/.test(digits) ? Number(digits) : undefined;
  };
  const state = (["starting", "healthy", "unhealthy"] as const).find(
    (known) => known === values.get("STATE"),
  );
  const [mainPid, since, failingStreak] = [number("MAIN"), number("SINCE"), number("STREAK")];
  if (state === undefined || mainPid === undefined || since === undefined) return undefined;
  return {
    state,
    sinceMs: since * 1000,
    failingStreak: failingStreak ?? 0,
    exitCode: number("EXIT"),
    mainPid,
    output: "",
  };
}

/** The report for people, as facts; of what the probe wrote the first line. */
export function healthFacts(report: HealthReport | undefined): (readonly [string, string])[] {
  if (report === undefined) return [];
  const { state, sinceMs, failingStreak, exitCode, askedMs, output } = report;
  const streak = failingStreak === 0 ? "" : `, ${failingStreak} failures in a row`;
  const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
  return [
    ["health", `${state} since ${time(sinceMs)}${streak}`],
    ...(askedMs === undefined || exitCode === undefined
      ? []
      : [["health asked", `${time(askedMs)}, exit code ${exitCode}`] as const]),
    ...(output === "" ? [] : [["health says", firstLine(output)] as const]),
  ];
}

/** How much of a line has room in a table. */
const LINE_CHARACTERS = 120;

/** Short enough for a table. */
function firstLine(text: string): string {
  const [line = ""] = text.split("\n", 1);
  return line.length > LINE_CHARACTERS ? `${line.slice(0, LINE_CHARACTERS - 1)}…` : line;
}

/** What a program wrote, as text that can be shown: lines end in LF, and no other control characters are left. */
export function plainOutput(bytes: Uint8Array): string {
  return new TextDecoder()
    .decode(bytes)
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
      character === "\n" || character === "\t" ? character : "",
    )
    .trim();
}
