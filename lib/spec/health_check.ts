/**
 * How a machine is asked whether it is well: the image's HEALTHCHECK, or the user's own.
 *
 * @module
 */

import type { HealthCheck as ImageHealthCheck } from "../image/config.ts";

export type HealthProbe =
  /** A command in the machine, as the app's user, in its environment; exit code 0 is well. */
  | { readonly kind: "command"; readonly words: readonly string[] }
  /** A line for the machine's own `/bin/sh -c`. */
  | { readonly kind: "shell"; readonly line: string }
  /** GET in the machine's network; a status of 200 to 399 is well. Port and path of `http://127.0.0.1:PORT/PATH`. */
  | { readonly kind: "http"; readonly port: number; readonly path: string }
  /** A connection to the port in the machine's network. */
  | { readonly kind: "tcp"; readonly port: number };

/** What is done when a machine is found unwell. */
export const healthActions = ["none", "restart", "stop"] as const;
export type HealthAction = (typeof healthActions)[number];

export interface HealthCheck {
  readonly probe: HealthProbe;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in this time after the start do not count. */
  readonly startPeriodMs: number;
  /** So many failures in a row make it unhealthy. */
  readonly retries: number;
  readonly onFailure: HealthAction;
}

/** What machine.toml says of it: each key over the image's; "none" turns the image's off. */
export type HealthChoice =
  "none" | { readonly [Key in keyof HealthCheck]?: HealthCheck[Key] | undefined };

/** Docker's own defaults (Dockerfile reference, HEALTHCHECK). */
const defaults = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  retries: 3,
  onFailure: "none",
} as const;

/** The health check that counts; undefined where nobody defines one. */
export function healthCheck(
  image: ImageHealthCheck | undefined,
  choice: HealthChoice | undefined,
): HealthCheck | undefined {
  if (choice === "none") return undefined;
  const probe = choice?.probe ?? imageProbe(image?.test ?? []);
  if (probe === undefined) return undefined;
  const ms = (ns: number | undefined) => (ns === undefined ? undefined : Math.ceil(ns / 1e6));
  const { intervalNs, timeoutNs, startPeriodNs, retries } = image ?? {};
  return {
    probe,
    intervalMs: choice?.intervalMs ?? ms(intervalNs) ?? defaults.intervalMs,
    timeoutMs: choice?.timeoutMs ?? ms(timeoutNs) ?? defaults.timeoutMs,
    startPeriodMs: choice?.startPeriodMs ?? ms(startPeriodNs) ?? defaults.startPeriodMs,
    retries: Math.max(1, choice?.retries ?? retries ?? defaults.retries),
    onFailure: choice?.onFailure ?? defaults.onFailure,
  };
}

/** `["CMD", …]`, `["CMD-SHELL", line]`, `["NONE"]` and nothing at all. */
function imageProbe([kind, ...words]: readonly string[]): HealthProbe | undefined {
  if (kind === "CMD" && words.length > 0) return { kind: "command", words };
  if (kind === "CMD-SHELL" && words[0] !== undefined) return { kind: "shell", line: words[0] };
  return undefined;
}
