/**
 * Names of containers as names of machines.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { isMachineName, type MachineName } from "../spec/machine_name.ts";

/**
 * The machine name nearest to a container's: `my_app` is `my-app`.
 *
 * @throws {MbctlError} (usage) for a name of which nothing is left.
 */
export function machineNameFor(container: string): MachineName {
  const name = container
    .replace(/[^A-Za-z0-9.-]+/g, "-")
    .slice(0, 64)
    .split(".")
    .map((part) => part.replace(/^-+|-+$/g, ""))
    .filter((part) => part !== "")
    .join(".");
  if (isMachineName(name)) return name;
  throw usageError(
    `Cannot make a machine name of ${JSON.stringify(container)}: no letter or digit is in it`,
  );
}

/** What a machine of an image is called that has no other name: the last part of its repository. */
export function nameOfImage(reference: string): string {
  const [path = ""] = reference.split("@");
  return (path.split("/").at(-1) ?? "").replace(/:[^:]*$/, "");
}
