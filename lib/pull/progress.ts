/**
 * What is told of layers on their way.
 *
 * @module
 */

import type { LayerDescriptor } from "../image/manifest.ts";

/** Told how far the layers of an image are. Every call is cheap: some come for each chunk of bytes. */
export interface LayerWatcher {
  /** The layer is in the store already. */
  present(layer: LayerDescriptor): void;
  /** So many bytes of it are there. */
  arrived(layer: LayerDescriptor, bytes: number): void;
  /** What keeps it, as a sentence: another mbctl downloads it. */
  note(layer: LayerDescriptor, text: string): void;
  done(layer: LayerDescriptor): void;
  /** So many compressed bytes of the layer at this place, counted from 0, have been applied to the root tree. */
  applied(place: number, bytes: number): void;
  failed(layer: LayerDescriptor): void;
}

/** For those who want to know nothing. */
export const silentWatcher: LayerWatcher = {
  present() {},
  arrived() {},
  note() {},
  done() {},
  applied() {},
  failed() {},
};
