/**
 * Reads all that {@linkcode "evaluate_host.ts"} judges, at once: nothing waits for anything else.
 *
 * @module
 */

import { installHint } from "../host/install_hint.ts";
import type { Host } from "../host/host.ts";
import { type HostFacts, type InstallableProgram, installable } from "./host_facts.ts";
import { readBridge } from "./read_bridge.ts";
import { readDerived } from "./read_derived.ts";
import { readAllMachineFiles } from "./read_machine_files.ts";
import { readMesh } from "./read_mesh.ts";
import { readSystem } from "./read_system.ts";

/** Reads the facts of a live host. */
export async function readHost(host: Host): Promise<HostFacts> {
  const [system, mesh, bridge, derived] = await Promise.all([
    readSystem(host),
    readMesh(host),
    readBridge(host),
    readDerived(host),
  ]);
  return {
    install: Object.fromEntries(
      installable.map((program) => [program, installHint(program)]),
    ) as Record<InstallableProgram, string>,
    system,
    mesh,
    bridge,
    derived,
    machines: readAllMachineFiles(host),
  };
}
