/** `bun _remove_to_the_end.ts TREE`: a removal by a process of its own, which a test limits or kills. */
import { removeTree } from "../../lib/trees/remove_tree.ts";

const [, , tree = ""] = process.argv;
removeTree(tree);
