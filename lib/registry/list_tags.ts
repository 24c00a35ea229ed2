/**
 * What a registry offers under a name.
 *
 * @module
 */

import * as v from "valibot";
import { MbctlError } from "../errors.ts";
import type { Run } from "../host/run.ts";
import { formatImageRef, type RegistryRef } from "../image/reference.ts";
import { type SourceOptions, skopeoListTags } from "./skopeo.ts";

const schema = v.object({ Tags: v.nullish(v.array(v.string()), []) });

/**
 * The tags of a repository, numbers in them by their value: `1.9` before `1.10`.
 *
 * @param ref its repository; tag and digest do not matter.
 * @throws {MbctlError} (tool) when skopeo fails.
 */
export async function listTags(
  run: Run,
  { registry, repository }: Pick<RegistryRef, "registry" | "repository">,
  options: SourceOptions,
): Promise<string[]> {
  const ref: RegistryRef = { transport: "docker", registry, repository };
  const text = await skopeoListTags(run, { ...options, ref, image: formatImageRef(ref) });
  const { success, output } = v.safeParse(schema, JSON.parse(text));
  if (!success) {
    throw new MbctlError(
      "tool",
      `Cannot read the tags of ${formatImageRef(ref)}: skopeo answered something else`,
    );
  }
  const order = new Intl.Collator("en", { numeric: true });
  return output.Tags.toSorted(order.compare);
}
