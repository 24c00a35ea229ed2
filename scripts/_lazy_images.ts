/**
 * Images for verbs that mostly need none: the store is opened when the first is wanted.
 *
 * @module
 */

import type { VerbContext } from "../lib/cli/context.ts";
import type { ConvergeOptions } from "../lib/declare/converge.ts";
import type { Host } from "../lib/host/host.ts";
import { formatImageRef } from "../lib/image/reference.ts";
import type { UsableImage } from "../lib/upgrade/upgrade_to.ts";
import { imageLocator } from "./_image_locator.ts";
import { imageStore, sourceOptions } from "./_image_source.ts";

/**
 * Locates images; store and images are held until `held` is disposed of. What a reference named once it names until then:
 * whoever then asks for that digest gets the same.
 *
 * @param flags how to reach registries.
 */
export function lazyImages(
  context: VerbContext,
  host: Host,
  held: AsyncDisposableStack,
  flags: { readonly tlsVerify: boolean | undefined; readonly authfile: string | undefined },
): ConvergeOptions["locate"] {
  let locator: Promise<ReturnType<typeof imageLocator>> | undefined;
  const open = async () => {
    const store = held.use(await imageStore(context, host));
    return imageLocator(context, host, store, {
      ...sourceOptions(context, flags),
      policy: "missing",
    });
  };
  const known = new Map<string, UsableImage>();
  return async (ref, digest) => {
    const reference = formatImageRef(ref);
    const before = known.get(reference);
    if (before !== undefined && (digest ?? before.found.digest) === before.found.digest) {
      return before;
    }
    locator ??= open();
    const located = held.use(await (await locator)(ref, digest));
    if (digest === undefined) known.set(reference, located);
    return located;
  };
}
