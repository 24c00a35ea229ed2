/**
 * When systemd starts a machine again whose program has ended: podman's `--restart`.
 *
 * @module
 */

import { usageError } from "../errors.ts";

export interface RestartPolicy {
  /** "unless-stopped": as "always", but a machine that was stopped by hand stays so over a reboot. */
  readonly when: "no" | "on-failure" | "always" | "unless-stopped";
  /** With "on-failure": how often at most, until it is started by hand; without it for ever. */
  readonly retries?: number | undefined;
}

export const noRestart: RestartPolicy = { when: "no" };

/**
 * Reads `no`, `on-failure`, `on-failure:N`, `always`, `unless-stopped`; `never` is `no` (podman).
 *
 * @throws {MbctlError} (usage)
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === "no" || text === "never") return noRestart;
  if (text === "always" || text === "unless-stopped" || text === "on-failure") {
    return { when: text };
  }
  const [, digits] = /^on-failure:([1-9]\d{0,5})$/.exec(text) ?? [];
  if (digits !== undefined) return { when: "on-failure", retries: Number(digits) };
  throw usageError(
    `Cannot read the restart policy ${JSON.stringify(text)}: it is none`,
    "write no, on-failure, on-failure:N, always or unless-stopped",
  );
}

/** The inverse of {@linkcode parseRestartPolicy}. */
export function formatRestartPolicy({ when, retries }: RestartPolicy): string {
  return retries === undefined ? when : `${when}:${retries}`;
}
