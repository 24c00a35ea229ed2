/**
 * From a declaration and what is there to what a machine is to be. Pure.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { ImageConfig } from "../image/config.ts";
import type { Ipv4 } from "../network/ipv4.ts";
import { completeApps } from "../spec/app_spec.ts";
import type { MachineDeclaration, MachineSpec, Volume } from "../spec/machine_spec.ts";
import { canonicalSource } from "../spec/source_reference.ts";
import { unknownDigest } from "../image/digest.ts";
import type { PresentMachine } from "../change/present_machine.ts";
import type { Preference } from "../merge/merge_file.ts";
import { type PinnedText, pinDeclaration } from "./pin_image.ts";

/** Whether a declaration names another image than the one that a machine was made of. */
export function isOtherImage(declared: MachineDeclaration, present: MachineSpec): boolean {
  const { reference, digest, manifestDigest } = declared.image;
  if (canonicalSource(reference) !== present.image.reference) return true;
  if (manifestDigest !== undefined) return manifestDigest !== present.image.manifestDigest;
  return digest !== undefined && digest !== present.image.digest;
}

/** Images that were given another reference and kept their digests, which decide: for a warning each. */
export function keptDigests(declared: MachineDeclaration, present: MachineSpec): string[] {
  const say = (what: string, image: MachineDeclaration["image"], before: MachineSpec["image"]) => {
    const isOther = canonicalSource(image.reference) !== canonicalSource(before.reference);
    const isSame = image.digest === before.digest && before.digest !== unknownDigest;
    if (!isOther || !isSame) return [];
    return [
      `${what} stays what it is: its digests are those of ${before.reference}, and they decide; without digest and manifest_digest it becomes ${image.reference}`,
    ];
  };
  return [
    ...say("the image", declared.image, present.image),
    ...declared.apps.flatMap(({ name, image }) => {
      const before = present.apps.find((app) => app.name === name)?.image;
      return before === undefined ? [] : say(`the image of the application ${name}`, image, before);
    }),
  ];
}

/**
 * A declaration with all that it leaves open filled in: the image by digest, and a choice for each volume that the
 * image declares. One that nobody chose is kept in the storage folder: nothing that an app writes there is lost.
 */
export function completeSpec(
  declared: MachineDeclaration,
  image: MachineSpec["image"],
  config: ImageConfig,
  present: MachineSpec | undefined,
  ipv4: Ipv4 | undefined,
): MachineSpec {
  const chosen = new Set(declared.volumes.map(({ path }) => path));
  const open = config.volumes.filter((path) => !chosen.has(path));
  const kept = open.map(
    (path): Volume =>
      present?.volumes.find((volume) => volume.path === path) ?? { path, kind: "data" },
  );
  return {
    ...declared,
    image,
    apps: completeApps(declared.apps, present?.apps ?? []),
    volumes: [...declared.volumes, ...kept],
    ...(ipv4 === undefined ? {} : { ipv4 }),
  };
}

/**
 * What machine.toml is to say: the declaration's text, completed.
 *
 * @throws {MbctlError} (conflict) when the machine's own machine.toml was edited since it was applied, and the
 * declaration, from another file, would undo that.
 */
export function desiredText(
  file: { readonly path: string; readonly text: string; readonly isOwn: boolean },
  declared: MachineDeclaration,
  spec: MachineSpec,
  present: PresentMachine | undefined,
  prefer: Preference | undefined,
): PinnedText {
  const pinned = pinDeclaration(file.text, declared, spec);
  if (present === undefined || file.isOwn || prefer === "theirs") return pinned;
  const { machineToml, appliedToml, name } = present;
  if (machineToml === pinned.text || appliedToml === undefined || machineToml === appliedToml) {
    return pinned;
  }
  throw new MbctlError(
    "conflict",
    `Cannot apply "${file.path}": machine.toml of "${name}" was edited since it was applied, and differs from it`,
    {
      hint: `mbctl machines diff ${name} shows the edit; put it into ${file.path}, or --theirs takes that file, or mbctl machines apply ${name} applies the edit`,
    },
  );
}
