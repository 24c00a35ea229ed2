/**
 * What comes of a conversion: machines, and what was lost.
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { formatImageRef, parseImageRef, resolveImagePath } from "../image/reference.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineDeclaration } from "../spec/machine_spec.ts";
import { formatMachineToml, parseDeclaration } from "../spec/machine_toml.ts";
import { type Draft, finishDraft, type Remark, unsupported } from "./draft.ts";

export interface Conversion {
  readonly machines: readonly MachineDeclaration[];
  readonly remarks: readonly MachineRemark[];
}

export interface MachineRemark extends Remark {
  /** Undefined for what concerns the file as a whole. */
  readonly machine: MachineName | undefined;
}

/** A text of a machine.toml. */
export interface MachineText {
  readonly name: MachineName;
  readonly toml: string;
}

/**
 * An image as machine.toml names it: complete, a local path absolute.
 *
 * @throws {MbctlError} (usage)
 */
export function imageReference(draft: Draft, image: string, directory: string): string {
  const reference = formatImageRef(resolveImagePath(parseImageRef(image), directory));
  if (reference.startsWith("localhost/")) {
    unsupported(
      draft,
      image,
      `the image is in a store of podman's or Docker's own: save it (podman save --format oci-archive -o FILE ${image}), and name oci-archive:FILE`,
    );
  }
  return reference;
}

/** One container's part of a conversion. */
export interface ConvertedContainer {
  readonly machine: MachineDeclaration;
  readonly draft: Draft;
}

/** A draft that is done. */
export function convertedContainer(
  draft: Draft,
  name: MachineName,
  reference: string,
): ConvertedContainer {
  return { machine: finishDraft(draft, name, reference), draft };
}

/**
 * Containers as one conversion.
 *
 * @param remarks what concerns all of them.
 * @throws {MbctlError} (usage) when two of them would be one machine.
 */
export function joinContainers(
  containers: readonly ConvertedContainer[],
  remarks: readonly MachineRemark[] = [],
): Conversion {
  const machines = containers.map(({ machine }) => machine);
  machines.forEach(({ name }, index) => {
    const isTwin = (other: MachineDeclaration) => other.name.toLowerCase() === name.toLowerCase();
    if (machines.slice(0, index).some(isTwin)) {
      throw usageError(
        `Cannot convert: two containers would be the machine "${name}"`,
        "rename one of them",
      );
    }
  });
  const own = containers.flatMap(({ machine, draft }) =>
    draft.remarks.map((remark) => ({
      machine: machine.name,
      ...remark,
      reason: forMachine(remark.reason, machine.name),
    })),
  );
  return { machines, remarks: [...own, ...sharedVolumes(containers), ...remarks] };
}

/** Each machine has data of its own. */
function sharedVolumes(containers: readonly ConvertedContainer[]): MachineRemark[] {
  const names = new Set(containers.flatMap(({ draft }) => draft.namedVolumes));
  return [...names].flatMap((name): MachineRemark[] => {
    const users = containers
      .filter(({ draft }) => draft.namedVolumes.includes(name))
      .map(({ machine }) => machine.name);
    if (users.length < 2) return [];
    const reason = `${users.join(" and ")} would share it, and each gets one of its own: to share, give them the same path of the host`;
    return [{ machine: undefined, kind: "unsupported", option: `the volume ${name}`, reason }];
  });
}

/**
 * The texts, each read once more as `machines apply` will read it.
 *
 * @throws {MbctlError} (usage) for a value that machine.toml does not take.
 */
export function renderConversion({ machines }: Conversion): MachineText[] {
  return machines.map((machine) => {
    const toml = formatMachineToml(machine);
    parseDeclaration(toml, `${machine.name}.toml`);
    return { name: machine.name, toml };
  });
}

/** A reason with the machine's name where it says MACHINE: a command to paste. */
export function forMachine(reason: string, name: MachineName): string {
  return reason.replaceAll("MACHINE", name);
}

/** `web: --dns 1.1.1.1: REASON`. */
export function describeRemark({ machine, option, reason }: MachineRemark): string {
  return `${machine === undefined ? "" : `${machine}: `}${option}: ${reason}`;
}
