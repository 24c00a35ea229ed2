/**
 * An application in a booted machine: an image, and the user's choices.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import { unknownDigest } from "../image/digest.ts";
import type { AppName } from "./app_name.ts";
import type { AppChoices, MachineDeclaration, MachineSpec, Volume } from "./machine_spec.ts";
import type { RestartPolicy } from "./restart_policy.ts";
import { canonicalSource } from "./source_reference.ts";

/** What a table `[[apps]]` of machine.toml holds. */
export interface AppSpec extends Pick<
  AppChoices,
  | "entrypoint"
  | "args"
  | "user"
  | "workingDirectory"
  | "stopSignal"
  | "stopTimeoutSec"
  | "restart"
  | "health"
  | "limits"
  | "capabilities"
  | "isReadOnly"
  | "lend"
> {
  readonly name: AppName;
  readonly image: MachineSpec["image"];
  /** Whether systemd starts it; false: it is there for the commands that it lends. */
  readonly isStarted: boolean;
  /** The user's variables. */
  readonly environment: readonly EnvEntry[];
  /** As those of a machine; "config" and "data" lie in a folder of the app's own. */
  readonly volumes: readonly Volume[];
}

/** A service that crashes comes back, unless its user wants otherwise. */
export const appRestart: RestartPolicy = { when: "on-failure" };

/** An application as it is declared: its image's digests may be missing. */
export type AppDeclaration = Omit<AppSpec, "image"> & Pick<MachineDeclaration, "image">;

/**
 * Applications with all that their declarations leave open filled in: an image by the digests that it was installed with.
 * One that was not yet has the unknown digest.
 *
 * @param present those that are installed.
 */
export function completeApps(
  declared: readonly AppDeclaration[],
  present: readonly AppSpec[],
): AppSpec[] {
  return declared.map((app) => {
    const { reference, digest, manifestDigest } = app.image;
    const found = present.find(({ name }) => name === app.name)?.image;
    const isKnown =
      found !== undefined && canonicalSource(found.reference) === canonicalSource(reference);
    const known = isKnown ? found : undefined;
    return {
      ...app,
      image: {
        // By whatever name: what it was installed as is not another image.
        reference: known?.reference ?? reference,
        digest: digest ?? known?.digest ?? unknownDigest,
        manifestDigest: manifestDigest ?? known?.manifestDigest ?? unknownDigest,
      },
    };
  });
}
