/**
 * A root tree as it is read: what settling decides by. Paths are the tree's own, links lead where a process with that root
 * would be led.
 *
 * @module
 */

/** Reads a tree; a test has one of its own. */
export interface TreeView {
  /** What has the name, a link in the last part not followed; undefined for nothing. */
  kind(path: string): "file" | "directory" | "link" | "other" | undefined;
  /** The text of a file, links followed; undefined where there is no regular file. */
  read(path: string): string | undefined;
  /** The names in a folder, sorted; none where there is no folder. */
  list(path: string): readonly string[];
}

/** Whether the tree has something at a path, a link there followed. */
export function hasPath(view: TreeView, path: string): boolean {
  const kind = view.kind(path);
  if (kind !== "link") return kind !== undefined;
  return view.read(path) !== undefined || view.list(path).length > 0;
}

/** The first of some paths at which the tree has something. */
export function firstPath(view: TreeView, paths: readonly string[]): string | undefined {
  return paths.find((path) => hasPath(view, path));
}

/** Where a tree has its units: Debian before 12 and others have them below /lib, and /usr apart. */
const unitFolders = ["/usr/lib/systemd/system", "/lib/systemd/system"] as const;

/** Where a unit of the distribution lies, as it is named in links. */
export function unitPath(view: TreeView, unit: string): string | undefined {
  return firstPath(
    view,
    unitFolders.map((folder) => `${folder}/${unit}`),
  );
}
