/**
 * Choices that mean something for a program, and nothing for a whole system, which its own init boots; and the other way
 * round. Pure.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { isOsReference } from "../spec/os_reference.ts";

/** A choice that a whole system cannot take, and where that is set instead. */
interface Foreign {
  readonly key: string;
  readonly isChosen: (spec: MachineSpec) => boolean;
  readonly hint: string;
}

const asProgram = "--mode direct makes a machine of one program";
const inAnApp = `that is set for each application: mbctl machines app add; ${asProgram}`;

const foreign: readonly Foreign[] = [
  {
    key: "entrypoint",
    isChosen: ({ entrypoint }) => entrypoint !== undefined,
    hint: inAnApp,
  },
  { key: "args", isChosen: ({ args }) => args !== undefined, hint: inAnApp },
  { key: "user", isChosen: ({ user }) => user !== undefined, hint: inAnApp },
  {
    key: "workdir",
    isChosen: ({ workingDirectory }) => workingDirectory !== undefined,
    hint: inAnApp,
  },
  {
    key: "stop_signal",
    isChosen: ({ stopSignal }) => stopSignal !== undefined,
    hint: "its systemd is asked to shut down; stop_timeout_sec says how long that may take",
  },
  {
    key: "env",
    isChosen: ({ environment }) => environment.length > 0,
    hint: `write it into /etc/environment or a unit of the machine; an application has variables of its own; ${asProgram}`,
  },
  {
    key: "secrets",
    isChosen: ({ secrets }) => secrets.length > 0,
    hint: "man8s-init hands them over, and a whole system has none: copy a file with mbctl machines cp, or use systemd-creds in the machine",
  },
  {
    key: "read_only",
    isChosen: ({ isReadOnly }) => isReadOnly,
    hint: "a system writes to its own tree; an application in it can be read-only",
  },
  {
    key: "auto_upgrade",
    isChosen: ({ autoUpgrade }) => autoUpgrade === true,
    hint: "it upgrades itself: unattended-upgrades or dnf-automatic in the machine",
  },
];

/**
 * Wants a whole system to be asked for nothing that only a program can have.
 *
 * @throws {MbctlError} (usage) for the first choice, saying where it belongs.
 */
export function checkSystem(spec: MachineSpec): void {
  const wrong = foreign.find(({ isChosen }) => isChosen(spec));
  if (wrong !== undefined) {
    throw usageError(
      `Cannot use ${wrong.key} for "${spec.name}": it is a whole system (mode = "base"), and runs no program of its own`,
      wrong.hint,
    );
  }
  const covered = spec.volumes.find(({ path }) => /^\/(oci|run|etc\/systemd)(\/|$)/.test(path));
  if (covered !== undefined) {
    throw usageError(
      `Cannot keep the volume ${covered.path} in "${spec.name}": a whole system has something of its own there`,
      "name another path",
    );
  }
}

/**
 * Wants a machine that is no whole system to be asked for nothing that only one can have.
 *
 * @throws {MbctlError} (usage)
 */
export function requireNoSystemKeys({ name, mode, image, os, apps }: MachineSpec): void {
  const key = isOsReference(image.reference)
    ? `the image ${image.reference}`
    : os !== undefined
      ? "[os]"
      : apps.length > 0
        ? "[[apps]]"
        : undefined;
  if (key === undefined) return;
  throw usageError(
    `Cannot use ${key} for "${name}": it is no whole system, its mode is "${mode}"`,
    'add mode = "base"',
  );
}
