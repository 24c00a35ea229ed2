/**
 * The line of a machine's unit that looks after volumes which lie in one another.
 *
 * @module
 */

import { execShell } from "./exec_shell.ts";
import { type UnitItem, unitComment, unitEntry } from "./unit_file.ts";

/**
 * The places on the host, from each volume's folder down to one that lies in it. The machine can write to the outer
 * one: a link there would have systemd-nspawn bind any folder of the host in the place of the inner one.
 *
 * @param sources the folders of the volumes.
 */
export function innerPlaces(sources: readonly string[]): string[] {
  const places = sources.flatMap((outer) =>
    sources
      .filter((inner) => inner.startsWith(`${outer}/`))
      .flatMap((inner) => {
        const names = inner.slice(outer.length + 1).split("/");
        return names.map((_, index) => [outer, ...names.slice(0, index + 1)].join("/"));
      }),
  );
  return [...new Set(places)].sort();
}

/** What the shell is called that looks for links. */
export const VOLUMES_NAME = "mbctl-volumes";

/** For `[Service]`: no start while one of these places is a link. Nothing for none. */
export function innerVolumeItems(sources: readonly string[]): UnitItem[] {
  const places = innerPlaces(sources);
  if (places.length === 0) return [];
  const statement =
    'for p; do if [ -L "$p" ]; then echo "$p is a link, and a volume of this machine is there: remove the link" >&2; exit 1; fi; done';
  return [
    unitComment(
      "Volumes in volumes: a link of the machine's own would lead to folders of the host.",
    ),
    unitEntry("ExecStartPre", execShell([statement], guardWords(places))),
  ];
}

/** Whether there are volumes in volumes, and a drop-in does not look after all of them. */
export function lacksVolumeGuard(dropIn: string, sources: readonly string[]): boolean {
  const places = innerPlaces(sources);
  return places.length > 0 && !dropIn.includes(`' ${guardWords(places)}\n`);
}

/** What stands behind the script: the shell's name, and its arguments. */
function guardWords(places: readonly string[]): string {
  return [VOLUMES_NAME, ...places.map(quoteArgument)].join(" ");
}

/** systemd.service(5), "Command lines", and systemd.syntax(7), "Quoting". */
function quoteArgument(text: string): string {
  const quoted = text
    .replaceAll(/[\\"]/g, "\\$&")
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$")
    .replaceAll(
      /[\0-\x1f\x7f]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return `"${quoted}"`;
}
