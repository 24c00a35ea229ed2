/**
 * Unit files and `.nspawn` files as a merge sees them: what makes two lines the same entry.
 *
 * @module
 */

import { posix } from "node:path";
import { nspawnKey } from "../nspawn/keys.ts";
import { splitBindFields } from "../nspawn/quote.ts";
import { parseUnitFile, type UnitItem } from "../nspawn/unit_file.ts";
import { type Document, type Part, type Piece, withoutLineEnd } from "./document.ts";

/**
 * Reads any text. Parts of ordered lists (`Exec…=`) get the id of the whole list; `numberLists()` tells
 * their elements apart.
 */
export function readUnitDocument(text: string): Document {
  const sections: { name: string | undefined; header: string; pieces: Piece[] }[] = [
    { name: undefined, header: "", pieces: [] },
  ];
  for (const item of parseUnitFile(text)) {
    const section = sections.at(-1);
    if (item.kind === "section") sections.push({ name: item.name, header: item.raw, pieces: [] });
    else section?.pieces.push({ raw: item.raw, parts: readParts(section.name, item) });
  }
  return sections;
}

/** How the lines of a repeatable key are told apart. */
type Identity =
  /** Not at all: the lines of the key are one entry. */
  | "single"
  /** By the variable's name. */
  | "variable"
  /** By the path in the machine. */
  | "mount"
  /** By the first word: a device, a credential. */
  | "first word"
  /** By their place: a changed line is the old one, changed. */
  | "list"
  /** By their value. */
  | "set";

const mounts = ["Bind", "BindReadOnly", "TemporaryFileSystem", "Inaccessible"];

/** Repeatable keys of units (systemd.exec(5), systemd.unit(5), systemd.resource-control(5)). */
const unitSets =
  /^(After|Before|BindsTo|Conflicts|Documentation|EnvironmentFile|On(Failure|Success)|PartOf|PropagatesStopTo|Requires|Requisite|RequiresMountsFor|Upholds|WantedBy|RequiredBy|Wants|(Condition|Assert)\w+|(ReadWrite|ReadOnly|Inaccessible|Bind|BindReadOnly)Paths|RestrictAddressFamilies|SystemCallFilter)$/;
const unitFirstWords =
  /^(DeviceAllow|IO\w+Max|IODeviceWeight|IODeviceLatencyTargetSec|(Load|Set)Credential(Encrypted)?)$/;

function identityOf(section: string, key: string): Identity {
  if (key === "Environment") return "variable";
  const row = nspawnKey(section, key);
  if (row !== undefined) {
    if (!row.isRepeatable) return "single";
    if (mounts.includes(key)) return "mount";
    // Interfaces: eth1 in place of eth0 is a change of one entry, as for an `Exec…=` line.
    return section === "Network" && key !== "Port" ? "list" : "set";
  }
  if (key.startsWith("Exec")) return "list";
  if (unitFirstWords.test(key)) return "first word";
  return unitSets.test(key) ? "set" : "single";
}

/** The mark behind the id of a list whose elements are not numbered yet. */
export const UNNUMBERED = "\0list";

function readParts(section: string | undefined, item: UnitItem): readonly Part[] {
  if (item.kind !== "entry" || section === undefined) return [];
  const { raw, key } = item;
  const lines = withoutLineEnd(raw).split(/[\n\r\0]+/);
  // In joined lines also the spelling counts, which may hold comments.
  const value = lines.length > 1 ? lines.join("\n") : item.value;
  const name = `${section}.${key}`;
  const part = (by: string, text = value): Part[] => [
    { id: `${name}\0${by}`, key: `${name}=${by}`, value: text, raw },
  ];
  switch (identityOf(section, key)) {
    case "single":
      return [{ id: name, key: name, value, raw }];
    case "list":
      return [{ id: `${name}${UNNUMBERED}`, key: name, value, raw }];
    case "set":
      return part(value);
    case "first word":
      return part(/^[^\s:]*/.exec(item.value)?.[0] ?? "");
    case "mount": {
      const target = mountTarget(key, item.value);
      return [
        {
          id: `${section}.mount\0${target}`,
          key: `${name}=${target}`,
          value: `${key}=${value}`,
          raw,
        },
      ];
    }
    case "variable": {
      const words = lines.length > 1 ? [item.value] : variableWords(item.value);
      return words.map((word) => {
        const plain = unquoted(word);
        const variable = /^[^=]*/.exec(plain)?.[0] ?? "";
        const lineEnd = raw.slice(withoutLineEnd(raw).length);
        return {
          id: `${name}\0${variable}`,
          key: `${name}=${variable}`,
          value: lines.length > 1 ? value : plain,
          raw: words.length > 1 ? `${key}=${word}${lineEnd}` : raw,
        };
      });
    }
  }
}

function mountTarget(key: string, value: string): string {
  const fields = splitBindFields(value);
  const isBind = key.startsWith("Bind");
  const target = (isBind && fields[1]) || (fields[0] ?? "").replace(/^[+-]+/, "");
  return target.startsWith("/") ? posix.join(target, ".") : target;
}

/** Words with their quotes; one word where the quotes are not plain to see. */
function variableWords(value: string): readonly string[] {
  const words = value.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const isPlain = !value.includes("\\") && words.join("") === outsideBlanks(value);
  return isPlain && words.length > 0 ? words : [value];
}

/** The value without the blanks between words. */
function outsideBlanks(value: string): string {
  return value.replace(/("[^"]*"|'[^']*')|\s+/g, (_, quoted: string | undefined) => quoted ?? "");
}

function unquoted(word: string): string {
  return word.replace(
    /"([^"]*)"|'([^']*)'/g,
    (_, double?: string, single?: string) => double ?? single ?? "",
  );
}
