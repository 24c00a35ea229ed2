/**
 * Which machines have an image of which their reference names a newer one now: one question to the registry for each
 * reference, and no download.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import type { Run } from "../host/run.ts";
import { type ImageRef, parseImageRef } from "../image/reference.ts";
import { inParallel } from "../machine/in_parallel.ts";
import { type Resolved, resolveImage } from "../registry/resolve.ts";
import type { SourceOptions } from "../registry/skopeo.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";

/** What is known of a machine's image. */
export interface ImageState {
  readonly name: MachineName;
  /** Its reference. */
  readonly image: string;
  /** The manifest that the machine was made of. */
  readonly present: string;
  /** The manifest that the reference names now; undefined when that is not known. */
  readonly available: string | undefined;
  /** "pinned": the reference names a digest, which never changes. "upgrades itself": a whole system. */
  readonly state: "up to date" | "outdated" | "pinned" | "upgrades itself" | "unknown";
  /** Why it is unknown. */
  readonly problem?: MbctlError | undefined;
}

/** How many registries are asked at once. */
const jobs = 8;

/**
 * Asks for the images of machines. A registry that does not answer is a row like any other.
 *
 * @throws {MbctlError} (interrupted).
 */
export async function findOutdated(
  run: Run,
  specs: readonly Pick<MachineSpec, "name" | "mode" | "image">[],
  options: SourceOptions,
): Promise<ImageState[]> {
  const asked = specs.filter(({ mode }) => mode !== "base");
  const references = [...new Set(asked.map(({ image }) => image.reference))];
  const answers = await inParallel(references, jobs, async (reference) => {
    const ref = parseImageRef(reference);
    return isPinned(ref) ? undefined : await resolveImage(run, ref, options);
  });
  const known = new Map(references.map((reference, index) => [reference, answers[index]]));
  return specs.map(({ name, mode, image }) => {
    const { reference, manifestDigest: present } = image;
    if (mode === "base") {
      return { name, image: reference, present, available: undefined, state: "upgrades itself" };
    }
    const answer = known.get(reference) ?? { value: undefined };
    if ("error" in answer) {
      const { error: problem } = answer;
      // A bug, and a user who had enough, are no rows.
      if (!(problem instanceof MbctlError) || problem.kind === "interrupted") throw problem;
      return {
        ...{ name, image: reference, present },
        available: undefined,
        state: "unknown",
        problem,
      };
    }
    return { name, image: reference, present, ...judge(present, answer.value) };
  });
}

/** Whether a reference always names the same. */
export function isPinned(ref: ImageRef): boolean {
  return ref.transport === "docker" && ref.digest !== undefined;
}

function judge(
  present: string,
  resolved: Resolved | undefined,
): Pick<ImageState, "available" | "state"> {
  if (resolved === undefined) return { available: present, state: "pinned" };
  const { manifestDigest: available } = resolved;
  return { available, state: available === present ? "up to date" : "outdated" };
}
