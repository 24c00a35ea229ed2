/**
 * The table `[health]` of machine.toml.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { formatTimeSpan, parseDuration } from "./duration.ts";
import type { HealthChoice, HealthProbe } from "./health_check.ts";
import type { MachineToml } from "./machine_schema.ts";

type HealthToml = NonNullable<MachineToml["health"]>;

/** @throws {MbctlError} (usage) for two probes, or one that cannot be. */
export function readHealthChoice(toml: HealthToml): HealthChoice {
  if (toml.enabled === false) return "none";
  const { interval, timeout, start_period, retries, on_failure } = toml;
  const probe = readProbe(toml);
  return {
    ...(probe === undefined ? {} : { probe }),
    ...(interval === undefined ? {} : { intervalMs: positive(interval) }),
    ...(timeout === undefined ? {} : { timeoutMs: positive(timeout) }),
    ...(start_period === undefined ? {} : { startPeriodMs: parseDuration(start_period) }),
    ...(retries === undefined ? {} : { retries }),
    ...(on_failure === undefined ? {} : { onFailure: on_failure }),
  };
}

/** The inverse of {@linkcode readHealthChoice}. */
export function formatHealthChoice(choice: HealthChoice): Record<string, unknown> {
  if (choice === "none") return { enabled: false };
  const { probe, intervalMs, timeoutMs, startPeriodMs, retries, onFailure } = choice;
  const time = (key: string, ms: number | undefined) =>
    ms === undefined ? {} : { [key]: formatTimeSpan(ms) };
  return {
    ...(probe === undefined ? {} : formatProbe(probe)),
    ...time("interval", intervalMs),
    ...time("timeout", timeoutMs),
    ...time("start_period", startPeriodMs),
    ...(retries === undefined ? {} : { retries }),
    ...(onFailure === undefined ? {} : { on_failure: onFailure }),
  };
}

function readProbe({ command, shell, http, tcp }: HealthToml): HealthProbe | undefined {
  const probes: HealthProbe[] = [
    ...(command === undefined ? [] : [{ kind: "command", words: command } as const]),
    ...(shell === undefined ? [] : [{ kind: "shell", line: shell } as const]),
    ...(http === undefined ? [] : [parseHttpProbe(http)]),
    ...(tcp === undefined ? [] : [{ kind: "tcp", port: tcp } as const]),
  ];
  if (probes.length > 1) {
    throw usageError("Cannot check in two ways: choose one of command, shell, http and tcp");
  }
  if (command?.length === 0) throw usageError("Cannot check with a command of no words");
  return probes[0];
}

/** Reads `http://127.0.0.1:8080/ready`, `:8080/ready` and `8080`. */
function parseHttpProbe(text: string): HealthProbe {
  const [, digits, path = "/"] =
    /^(?:http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]))?:?(\d{1,5})(\/[!-~]*)?$/.exec(text) ??
    /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])()(\/[!-~]*)?$/.exec(text) ??
    [];
  const port = digits === "" ? 80 : Number(digits);
  if (digits !== undefined && port >= 1 && port <= 65535) return { kind: "http", port, path };
  throw usageError(
    `Cannot check ${JSON.stringify(text)}: it is no address of the machine's own`,
    'write http = "http://127.0.0.1:8080/ready"',
  );
}

function formatProbe(probe: HealthProbe): Record<string, unknown> {
  switch (probe.kind) {
    case "command":
      return { command: probe.words };
    case "shell":
      return { shell: probe.line };
    case "http":
      return { http: `http://127.0.0.1:${probe.port}${probe.path}` };
    case "tcp":
      return { tcp: probe.port };
  }
}

function positive(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw usageError(`Cannot use the duration ${JSON.stringify(text)}: it is not above 0`);
}
