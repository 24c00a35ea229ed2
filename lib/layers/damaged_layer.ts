/**
 * The error of a layer whose bytes are not what they should be.
 *
 * @module
 */

import { type ErrorDetails, MbctlError } from "../errors.ts";
import type { Digest } from "../image/digest.ts";
import { damaged } from "../image/found_image.ts";

/**
 * A layer that does not unpack to what the image's configuration says: damaged on
 * its way or where it is kept. Fetching it again may help. (A layer that is as it
 * was made, but holds an entry that is refused, is an ordinary error.)
 */
export class DamagedLayerError extends MbctlError {
  readonly digest: Digest;

  constructor(digest: Digest, state: string, details: ErrorDetails = {}) {
    const message = `Cannot apply layer ${JSON.stringify(digest)}: ${state}`;
    super("usage", message, { hint: damaged, ...details });
    this.digest = digest;
  }
}
