/**
 * What a user chose of how a machine runs, checked for what cannot be. Its network, and what the host must have for all of
 * it, are checked by lib/steps: check_network.ts, require_choices.ts.
 *
 * @module
 */

import { lentCommands } from "../connector/lent_commands.ts";
import { type MbctlError, usageError } from "../errors.ts";
import type { ImageConfig } from "../image/config.ts";
import { initCapabilities, isCapability } from "../spec/capability.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { formatMemorySize } from "../spec/memory_size.ts";
import { checkSystem, requireNoSystemKeys } from "./check_system.ts";
import { checkVolumes } from "./check_volumes.ts";
import { applicationArgs, runsAsRoot } from "./render_program.ts";

/** podman's: below it no container starts. */
const LEAST_MEMORY = 6 * 1024 ** 2;
/** nspawn with its process 1, man8s-init with its children, and the program. */
const LEAST_TASKS = 16;
/** What man8s-init has open, and a program with its libraries. */
const LEAST_OPEN_FILES = 32;

/**
 * Wants the choices to make sense together, and with the image.
 *
 * @returns what works, but weaker than its user may think: for a warning each.
 * @throws {MbctlError} (usage) for the first that cannot be, with a way out.
 */
export function checkChoices(spec: MachineSpec, image: ImageConfig): string[] {
  if (spec.mode === "base") checkSystem(spec);
  else checkProgram(spec, image);
  checkVolumes(spec.volumes);
  checkPlaces(spec);
  checkDevices(spec);
  checkVariables(spec);
  checkLimits(spec);
  checkDepends(spec);
  checkCapabilities(spec, image);
  return weaknesses(spec, image);
}

function checkProgram(spec: MachineSpec, image: ImageConfig): void {
  requireNoSystemKeys(spec);
  if (spec.mode === "connector") requireLent(spec, image);
  else applicationArgs(image, spec);
}

/** A machine that is there for its commands must have one. */
function requireLent(spec: MachineSpec, image: ImageConfig): void {
  if (lentCommands(spec, image).size > 0) return;
  throw usageError(
    `Cannot lend the program of "${spec.name}": the image names none that a command could be called after`,
    "name one: --lend COMMAND=/path/to/PROGRAM",
  );
}

function checkPlaces({ volumes }: MachineSpec): void {
  const twice = firstTwice(volumes.map(({ path }) => path));
  if (twice !== undefined) {
    throw cannot(`keep the volume ${twice}`, "it is named twice", "leave one of them out");
  }
  for (const { path, kind } of volumes) {
    if (kind === "tmpfs" && /^\/(run|dev)$/.test(path)) {
      throw cannot(
        `keep ${path} in memory`,
        "it is there already, and holds what the machine needs",
        "leave it out, or name a folder in it",
      );
    }
  }
}

function checkDevices({ devices, volumes }: MachineSpec): void {
  const twice =
    firstTwice(devices.map(({ source }) => source)) ??
    firstTwice(devices.flatMap(({ target }) => target ?? []));
  if (twice !== undefined) {
    throw cannot(`use the device ${twice}`, "it is named twice", "leave one of them out");
  }
  const covered = devices.find(({ target }) => volumes.some(({ path }) => path === target));
  if (covered?.target !== undefined) {
    throw cannot(
      `use the device ${covered.target}`,
      "a volume has that place",
      "give one of them another target",
    );
  }
}

function checkVariables({ environment, secrets }: MachineSpec): void {
  const ours = secrets.flatMap(({ fileVariable, variable }) => [
    ...(fileVariable === undefined ? [] : [fileVariable]),
    ...(variable === undefined ? [] : [variable]),
  ]);
  const twice = firstTwice(ours);
  if (twice !== undefined) {
    throw cannot(
      `set the variable ${twice}`,
      "two secrets are to be in it",
      "name another variable for one of them",
    );
  }
  const clash = ours.find((name) => environment.some(([other]) => other === name));
  if (clash !== undefined) {
    throw cannot(
      `set the variable ${clash}`,
      "both env and a secret have it",
      "leave it out of env: that is no place for a secret",
    );
  }
}

function checkLimits({ limits }: MachineSpec): void {
  const { memory, tasks, openFiles } = limits;
  if (memory !== undefined && memory < LEAST_MEMORY) {
    throw cannot(
      `limit the memory to ${formatMemorySize(memory)}`,
      "no machine starts with so little",
      `give it ${formatMemorySize(LEAST_MEMORY)} or more`,
    );
  }
  if (tasks !== undefined && tasks < LEAST_TASKS) {
    throw cannot(
      `limit the tasks to ${tasks}`,
      "systemd-nspawn and man8s-init need more themselves",
      `give it ${LEAST_TASKS} or more`,
    );
  }
  if (openFiles !== undefined && openFiles < LEAST_OPEN_FILES) {
    throw cannot(
      `limit open files to ${openFiles}`,
      "no program starts with so few",
      `give it ${LEAST_OPEN_FILES} or more`,
    );
  }
}

function checkDepends({ name, depends }: MachineSpec): void {
  if (depends.includes(name)) {
    throw cannot(
      `let "${name}" depend on itself`,
      "it would wait for itself for ever",
      "take it out of depends",
    );
  }
  const twice = firstTwice(depends);
  if (twice !== undefined) {
    throw cannot(`depend on "${twice}"`, "it is named twice", "leave one of them out");
  }
}

function checkCapabilities(spec: MachineSpec, image: ImageConfig): void {
  const { add, drop } = spec.capabilities;
  const unknown = [...add, ...drop].find((name) => !isCapability(name));
  if (unknown !== undefined) {
    throw cannot(
      `give or take the capability ${unknown}`,
      "there is none of that name",
      "man 7 capabilities lists them; ALL is all of them",
    );
  }
  const both = add.find((name) => drop.includes(name));
  if (both !== undefined) {
    throw cannot(
      `both add and drop the capability ${both}`,
      "it can only be one",
      "leave one of them out",
    );
  }
  const needed = drop.find((name) => initCapabilities.includes(name));
  if (needed !== undefined && runsAsRoot(spec, image)) {
    throw cannot(
      `drop the capability ${needed}`,
      "man8s-init needs it to set up the machine's network, user and mounts",
      "let the program run as another user, who has none of them and then gets none",
    );
  }
}

function weaknesses(spec: MachineSpec, image: ImageConfig): string[] {
  const { add, drop } = spec.capabilities;
  const isRoot = runsAsRoot(spec, image);
  // Every user may listen on every port of the machine as it is.
  const unreached = add.filter((name) => name !== "NET_BIND_SERVICE");
  const inTree = spec.volumes.filter(({ kind }) => kind === "skip").map(({ path }) => path);
  return [
    ...(isRoot && drop.includes("ALL") && !add.includes("ALL")
      ? [
          `the program runs as root, and keeps in its machine what man8s-init needs: ${initCapabilities.join(", ")}; a program of another user has none`,
        ]
      : []),
    ...(!isRoot && unreached.length > 0
      ? [
          `the program runs as "${spec.user ?? image.user}": it gets ${unreached.join(", ")} only by a file's capabilities (setcap), or as root`,
        ]
      : []),
    ...(spec.isReadOnly && inTree.length > 0
      ? [
          `nothing can be written to ${inTree.join(", ")}: it lies in the root tree, which is read-only`,
        ]
      : []),
  ];
}

function firstTwice(values: readonly string[]): string | undefined {
  return values.find((value, index) => values.indexOf(value) !== index);
}

function cannot(what: string, state: string, hint: string): MbctlError {
  return usageError(`Cannot ${what}: ${state}`, hint);
}
