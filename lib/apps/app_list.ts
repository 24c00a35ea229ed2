/**
 * Applications in a few words, for lists. Pure.
 *
 * @module
 */

import type { ExposedPort } from "../image/config.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { AppState } from "./app_state.ts";

export interface AppSummary {
  readonly name: string;
  /** "stopped" where its machine is; "unknown" where that does not say. */
  readonly state: string;
  readonly health: string | undefined;
  readonly image: string;
  /** `80/tcp`, as its image has them. */
  readonly ports: readonly string[];
  readonly restarts: number;
}

/** Puts an application into words. */
export function summarizeApp(
  app: AppSpec,
  state: AppState | undefined,
  isMachineRunning: boolean,
  ports: readonly ExposedPort[],
): AppSummary {
  return {
    name: app.name,
    state: state?.state ?? (isMachineRunning ? "unknown" : "stopped"),
    health: state?.health,
    image: app.image.reference,
    ports: ports.map(({ port, protocol }) => `${port}/${protocol}`),
    restarts: state?.restarts ?? 0,
  };
}

/** One application for the list of machines: `web healthy`, `db failed (1)`. */
export function appWords({ name, state, health }: AppSummary): string {
  return `${name} ${health ?? state}`;
}
