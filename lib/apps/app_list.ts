/**
 * Applications in a few words, for lists. Pure.
 *
 * @module
 */

import type { ExposedPort } from "../image/config.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { UnitState } from "../host/systemd.ts";
import type { AppState } from "./app_state.ts";

export interface AppSummary {
  readonly name: string;
  /** Where its machine does not say: "stopped" with it, "starting" while that may boot, else "unknown". */
  readonly state: string;
  readonly health: string | undefined;
  readonly image: string;
  /** `80/tcp`, as its image has them. */
  readonly ports: readonly string[];
  readonly restarts: number;
}

/** As long as a systemd waits for a unit of its own (DefaultTimeoutStartSec=), in milliseconds. */
const bootPatienceMs = 90_000;

/**
 * How applications are of which their machine says nothing.
 *
 * @param nowMs since the epoch.
 */
export function silentState(unit: UnitState | undefined, nowMs: number): string {
  if (unit === undefined || unit.active === "inactive" || unit.active === "failed") {
    return "stopped";
  }
  const isBooting = unit.active === "activating" || nowMs - (unit.sinceMs ?? 0) < bootPatienceMs;
  return isBooting ? "starting" : "unknown";
}

/**
 * Puts an application into words.
 *
 * @param silent how it is where its machine says nothing: {@linkcode silentState}.
 */
export function summarizeApp(
  app: AppSpec,
  state: AppState | undefined,
  silent: string,
  ports: readonly ExposedPort[],
): AppSummary {
  return {
    name: app.name,
    state: state?.state ?? silent,
    health: state?.health,
    image: app.image.reference,
    ports: ports.map(({ port, protocol }) => `${port}/${protocol}`),
    restarts: state?.restarts ?? 0,
  };
}

/** One application for the list of machines: `web healthy`, `db restarting (1)`. */
export function appWords({ name, state, health }: AppSummary): string {
  return `${name} ${health ?? state}`;
}
