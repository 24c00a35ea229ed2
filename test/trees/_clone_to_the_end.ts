/** `bun _clone_to_the_end.ts FROM TO`: a clone by a process of its own, which a test kills. */
import { makeSpawn } from "../../lib/host/spawn.ts";
import { cloneTree } from "../../lib/trees/tree.ts";

const [, , from = "", to = ""] = process.argv;
await cloneTree(from, to, { spawn: makeSpawn() });
