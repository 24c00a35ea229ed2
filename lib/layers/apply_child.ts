/**
 * The applying process: reads what to do from its standard input, layers from the
 * descriptors behind it, and says on its standard output how it went. Importing it
 * does the work. A process of its own has its umask and memory for itself, needs no
 * pause for anything else, and is cancelled by killing it.
 *
 * @module
 */

import { readFileSync, writeSync } from "node:fs";
import { ApplyError, applyPlainLayers } from "./apply_plain.ts";
import { type ApplyReport, type ApplyRequest, firstLayerDescriptor } from "./apply_request.ts";

const request: ApplyRequest = JSON.parse(readFileSync(0, "utf8"));
const layers = request.layers.map((layer, index) => ({
  ...layer,
  path: firstLayerDescriptor + index,
}));
try {
  const onWarning = (warning: string, layer: number) => report({ warning, layer });
  const { entries, allocatedBytes } = applyPlainLayers(layers, request.tree, {
    onWarning,
    hasWhiteouts: request.hasWhiteouts,
  });
  report({ done: { entries, allocatedBytes } });
} catch (error) {
  if (!(error instanceof ApplyError)) throw error;
  const { kind, layer, entry, message } = error;
  report({ failure: { kind, layer, entry, state: message } });
}

function report(line: ApplyReport): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}
