/**
 * Secrets without which a machine does not start.
 *
 * @module
 */

import type { ListedSecret } from "../secrets/secret_store.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { type Finding, found, ok } from "./finding.ts";

/** What of a secret decides whether a machine starts. */
export type SecretState = Pick<ListedSecret, "name" | "state">;

/** One finding for each that is missing or cannot be decrypted; one for all where all is well. */
export function evaluateSecrets(name: MachineName, secrets: readonly SecretState[]): Finding[] {
  const bad = secrets.filter(({ state }) => state !== "set");
  if (bad.length === 0) {
    return secrets.length === 0
      ? []
      : [ok("secrets", secrets.map((secret) => secret.name).join(", "))];
  }
  return bad.map(({ name: key, state }) => {
    const what = state === "missing" ? "is not set" : "cannot be decrypted by this host";
    return found("wrong", "secrets", `${key} ${what}`, `mbctl secrets set ${name} ${key}`);
  });
}
