/**
 * What is wrong with a layer, in words; where it is wrong is added by who knows.
 *
 * @module
 */

export interface LayerErrorDetails {
  /** It is more than we take: its rest is not worth reading. */
  readonly isLimit?: boolean | undefined;
  /** The file system has no room for it. */
  readonly isFull?: boolean | undefined;
}

/** A layer that cannot be applied. The message is a state: `the checksum of a header is wrong`. */
export class LayerError extends Error {
  override readonly name = "LayerError";
  readonly isLimit: boolean;
  readonly isFull: boolean;
  /** The entry's name as it stands in the layer: Latin-1, one character for each byte. */
  entry: string | undefined;

  constructor(message: string, { isLimit = false, isFull = false }: LayerErrorDetails = {}) {
    super(message);
    this.isFull = isFull;
    this.isLimit = isLimit || isFull;
  }
}
