/**
 * The program of a machine that man8s-init runs, and what man8s-init reads of it. Pure.
 *
 * @module
 */

import { formatApplicationArgs } from "../env/application_args.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { connectorVariables } from "../connector/connector_paths.ts";
import { MbctlError, usageError } from "../errors.ts";
import type { ImageConfig } from "../image/config.ts";
import { secretVariables } from "../secrets/delivery.ts";
import type { AppChoices, MachineSpec } from "../spec/machine_spec.ts";

/**
 * The program that a machine runs: the image's entrypoint, then its command (OCI image-spec, config.md), each unless
 * the user chose another. An entrypoint of the user's drops the image's command, as in podman.
 *
 * @throws {MbctlError} (usage) when there is none.
 */
export function applicationArgs(
  image: ImageConfig,
  { entrypoint, args }: Pick<AppChoices, "entrypoint" | "args"> = {},
): readonly string[] {
  const words = [
    ...(entrypoint ?? image.entrypoint),
    ...(args ?? (entrypoint === undefined ? image.cmd : [])),
  ];
  if (words[0] === "") {
    throw usageError(
      "Cannot run the image: the name of the program is empty",
      "name it in entrypoint or args",
    );
  }
  if (words.length > 0) return words;
  throw new MbctlError(
    "usage",
    "Cannot run the image: it names no program, neither Entrypoint nor Cmd",
    {
      hint: "name one as args; mbctl oci download IMAGE PATH takes its root tree alone",
    },
  );
}

/** Whether the program's user is root, as far as that can be told without the image's passwd. */
export function runsAsRoot(
  { user, mode }: Pick<AppChoices, "user" | "mode">,
  image: ImageConfig,
): boolean {
  return mode === "base" || /^(|root|0+)(:|$)/.test(user ?? image.user);
}

/** What man8s-init reads of the program. */
export function programVariables(spec: MachineSpec, image: ImageConfig): EnvEntry[] {
  return [
    ...secretVariables(spec.secrets),
    ["MAN8S_APPLICATION_USER", spec.user ?? image.user],
    // Nothing is started where commands are lent, so an image without a program will do.
    spec.mode === "connector"
      ? ["MAN8S_APPLICATION_MODE", "connector"]
      : ["MAN8S_APPLICATION_ARGS", formatApplicationArgs(applicationArgs(image, spec))],
    ...connectorVariables(spec),
  ];
}
