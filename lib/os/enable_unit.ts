/**
 * Enables a unit of a root tree as `systemctl enable` does, by its `[Install]` (systemd.unit(5)).
 *
 * @module
 */

import { parseUnitFile, unitEntries } from "../nspawn/unit_file.ts";
import { link, type TreeChange } from "./tree_change.ts";
import { type TreeView, unitPath } from "./tree_view.ts";

/** What a unit may be called here: a hostile one names paths. */
const unitName = /^[A-Za-z0-9_][A-Za-z0-9_.@\\:-]*\.(service|socket|target|timer|path)$/;

/**
 * The links that enable a unit, and those that it names in `Also=`; none where the tree has no such unit.
 *
 * @param seen units that need not be looked at again.
 */
export function enableUnit(
  view: TreeView,
  unit: string,
  seen: ReadonlySet<string> = new Set(),
): TreeChange[] {
  const path = unitPath(view, unit);
  const text = path === undefined ? undefined : view.read(path);
  if (path === undefined || text === undefined) return [];
  const words = (key: string) =>
    unitEntries(parseUnitFile(text))
      .filter((entry) => entry.section === "Install" && entry.key === key)
      .flatMap(({ value }) => value.split(/\s+/))
      .filter((name) => unitName.test(name));
  const below = "/etc/systemd/system";
  const all = new Set([...seen, unit]);
  return [
    ...words("WantedBy").map((name) => link(`${below}/${name}.wants/${unit}`, path)),
    ...words("RequiredBy").map((name) => link(`${below}/${name}.requires/${unit}`, path)),
    ...words("Alias").map((name) => link(`${below}/${name}`, path)),
    ...words("Also").flatMap((name) => (all.has(name) ? [] : enableUnit(view, name, all))),
  ];
}
