/**
 * Backends: who manages the bridge of a host.
 *
 * @module
 */

import type { HostNetwork } from "../network/host_network.ts";
import type { DerivedFile } from "../network/host_state.ts";
import type { BackendName } from "./record.ts";

/** A bridge whose files are gone or as they were before. */
export interface ForgetState {
  /** Whether there is still an interface that has to go. */
  readonly hasBridge: boolean;
  /** Whether no bridge is left: none was there before. */
  readonly isGone: boolean;
  /** Whether the service goes on, and the files that it reads have changed. */
  readonly isToldOf: boolean;
}

/** What one service manages the bridge by: files, and commands that make them count. All of it is data. */
export interface Backend {
  readonly name: BackendName;
  /** Its services; each is enabled and started. */
  readonly units: readonly string[];
  /** Whether they may be started: one that would take over other links of the host has to run already. */
  readonly mayStart: boolean;
  /** Units that enabling or starting those brings with them. */
  readonly besideUnits: readonly string[];
  /** Those of them that are not wanted where they were not: they would hold up every boot. */
  readonly waitUnits: readonly string[];
  /** Programs that the commands need. */
  readonly programs: readonly string[];
  /** Whether it answers machines' DNS itself; else systemd-resolved has to. */
  readonly isResolver: boolean;
  files(network: HostNetwork): readonly DerivedFile[];
  /** After the files have changed, where the service runs already; whether the bridge is up. */
  reload(network: HostNetwork, isUp: boolean): readonly (readonly string[])[];
  /** Where files were there and the bridge has not come, or has gone. */
  repair(network: HostNetwork): readonly (readonly string[])[];
  /** Once the bridge has its addresses. */
  finish(network: HostNetwork): readonly (readonly string[])[];
  /** After the files are gone or as they were before. */
  forget(bridge: string, state: ForgetState): readonly (readonly string[])[];
  /** Files that the service itself leaves for a bridge. */
  leftovers(bridge: string): readonly string[];
}
