/**
 * When a registry is asked: podman's words (podman-run(1), `--pull`).
 *
 * @module
 */

/**
 * - `always`: ask the registry, fail where it cannot be reached;
 * - `missing`: take what the store has of the reference, ask only when it has nothing;
 * - `never`: take what the store has, or fail;
 * - `newer`: ask the registry whether the reference names something new; without
 *   an answer take what the store has.
 */
export const pullPolicies = ["always", "missing", "never", "newer"] as const;
export type PullPolicy = (typeof pullPolicies)[number];
