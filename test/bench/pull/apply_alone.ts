/**
 * A program that applies the layers of a layout's image to a tree and does nothing else:
 * `apply_alone LAYOUT TREE`. Compiled as mbctl is, because it starts itself again as mbctl does.
 *
 * @module
 */
import { childArgument } from "../../../lib/host/self.ts";

if (process.argv[2] === `${childArgument}apply-layers`) {
  await import("../../../lib/layers/apply_child.ts");
} else {
  const [layout = "", tree = ""] = process.argv.slice(2);
  const { applyLayers } = await import("../../../lib/layers/apply_layers.ts");
  const { makeSpawn } = await import("../../../lib/host/spawn.ts");
  const { layersOf } = await import("./layout_layers.ts");
  const layers = (await layersOf(layout)).map(({ path, ...layer }) => ({
    ...layer,
    open: async () => ({ path }),
  }));
  await applyLayers(layers, tree, { spawn: makeSpawn() });
}
