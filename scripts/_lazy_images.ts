/**
 * Images for verbs that mostly need none: the store is opened when the first is wanted.
 *
 * @module
 */

import type { VerbContext } from "../lib/cli/context.ts";
import type { ConvergeOptions } from "../lib/declare/converge.ts";
import type { Host } from "../lib/host/host.ts";
import { imageLocator } from "./_image_locator.ts";
import { imageStore, sourceOptions } from "./_image_source.ts";

/**
 * Locates images; store and images are held until `held` is disposed of.
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
  return async (ref, digest) => {
    locator ??= open();
    return held.use(await (await locator)(ref, digest));
  };
}
