/**
 * The services that a set-up turns on, as systemd has them.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import { parseProperties } from "../host/systemd.ts";

/** A unit as `systemctl show` tells. */
export interface UnitFacts {
  /** Whether there is such a unit. */
  readonly isThere: boolean;
  readonly isMasked: boolean;
  readonly isEnabled: boolean;
  readonly isActive: boolean;
  /** Its program's words; empty without. */
  readonly command: string;
  /** The group that it runs as; empty for root's. */
  readonly group: string;
}

/** Asks systemd about units, in one call. */
export async function readUnits(
  host: Host,
  names: readonly string[],
): Promise<ReadonlyMap<string, UnitFacts>> {
  const properties = "LoadState,UnitFileState,ActiveState,ExecStart,Group";
  const { stdout } = await host.run(
    ["systemctl", "show", `--property=${properties}`, "--", ...names],
    { timeoutMs: 20_000 },
  );
  const blocks = stdout.trimEnd().split("\n\n").map(parseProperties);
  return new Map(
    names.map((name, index) => {
      const block = blocks[index] ?? new Map<string, string>();
      const [load = "", file = ""] = [block.get("LoadState"), block.get("UnitFileState")];
      const facts: UnitFacts = {
        isThere: load !== "not-found" && load !== "",
        isMasked: load === "masked",
        isEnabled: file.startsWith("enabled"),
        isActive: ["active", "activating", "reloading"].includes(block.get("ActiveState") ?? ""),
        command: block.get("ExecStart") ?? "",
        group: block.get("Group") ?? "",
      };
      return [name, facts];
    }),
  );
}
