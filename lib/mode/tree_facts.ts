/**
 * What an image's layers tell of the system in them: its os-release and its package managers.
 *
 * @module
 */

import { posix } from "node:path";
import { cleanName, opaqueMarker, splitPath, whiteoutPrefix } from "../layers/entry_name.ts";
import { systemName } from "./os_release.ts";

export interface TreeFacts {
  /** What os-release(5) calls it: `Debian GNU/Linux 12 (bookworm)`; undefined where there is none. */
  readonly system: string | undefined;
  /** Of those that we know: `apt`, `apk`…; none twice. */
  readonly packageManagers: readonly string[];
}

/** An entry of a layer, as lib/layers reads it; texts are Latin-1. */
export interface LayerEntry {
  readonly type: string;
  readonly name: string;
  readonly linkName: string;
}

/** The program that tells of each package manager. */
const managers: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  dnf: "dnf",
  dnf5: "dnf",
  microdnf: "dnf",
  yum: "dnf",
  pacman: "pacman",
  zypper: "zypper",
  apk: "apk",
  opkg: "opkg",
  "xbps-install": "xbps",
  emerge: "portage",
};
/** Those by which systemd can be added to a system that lacks it. */
export const usablePackageManagers: readonly string[] = ["apt", "dnf", "pacman", "zypper"];
/** Where such a program may be in a tree. */
export const managerPaths: readonly string[] = Object.keys(managers).flatMap((program) =>
  ["usr/bin", "usr/sbin", "bin", "sbin"].map((folder) => `${folder}/${program}`),
);
const managerPattern = /^(usr\/)?s?bin\/([a-z0-9-]+)$/;

/** os-release(5), and what Fedora's are links to. */
const osReleasePattern = /^(etc|usr\/lib)\/(os\.release\.d\/)?os-release[^/]*$/;
/** Where the system's own is looked for, in this order. */
export const osReleasePaths: readonly string[] = ["etc/os-release", "usr/lib/os-release"];
/** As the kernel bounds links on a path; these are never more than two. */
const maxLinks = 8;
/** More are nobody's, and would fill the memory. */
const maxOsReleases = 64;
/** The same for what layers hide: folders, package managers, and files beside os-release. */
const maxHidden = 1024;
/** Folders of all these. What takes the place of one hides what lower layers have in it. */
const folderPattern = /^(etc|usr|(usr\/)?s?bin|usr\/lib|(etc|usr\/lib)\/os\.release\.d)?$/;

/** Whether the content of a layer's file is wanted: the second argument of {@linkcode TreeFactsReader.take}. */
export function isOsRelease({ type, name }: LayerEntry): boolean {
  return type === "file" && osReleasePattern.test(cleanName(name));
}

/** Something that a layer has at a path, or a link to another. */
type Found = { readonly text: string } | { readonly target: string };

/**
 * Takes entries of layers, the topmost layer first: the first that has a name decides on it, and what a layer hides is
 * hidden in those below it. So the facts may be known long before the last byte is read.
 */
export class TreeFactsReader {
  readonly #osReleases = new Map<string, Found>();
  readonly #managers = new Set<string>();
  /** Paths that layers above hide, with all that is below them. */
  readonly #hidden = new Set<string>();
  /** What this layer, and those above it, hide in the next ones. */
  readonly #hides = new Set<string>();

  /**
   * Takes an entry of the layer at hand.
   *
   * @param text the content of a file for which {@linkcode isOsRelease} is true.
   */
  take(entry: LayerEntry, text = ""): void {
    const path = cleanName(entry.name);
    const { parent, base } = splitPath(path);
    if (base === opaqueMarker) this.#hide(parent);
    else if (base.startsWith(whiteoutPrefix))
      this.#hide(posix.join(parent, base.slice(whiteoutPrefix.length)));
    else this.#takeFile(entry, path, text);
  }

  /** Ends a layer: what follows is of the one below it. */
  endLayer(): void {
    for (const path of this.#hides) this.#hidden.add(path);
  }

  /** Whether layers and entries that were not taken cannot change what comes of the facts. */
  get isKnown(): boolean {
    return (
      [...this.#managers].some((name) => usablePackageManagers.includes(name)) &&
      this.#resolve("etc/os-release") !== undefined
    );
  }

  /** The facts, as far as layers were taken. */
  get facts(): TreeFacts {
    const text = osReleasePaths
      .map((path) => this.#resolve(path))
      .find((found) => found !== undefined);
    return {
      system: text === undefined ? undefined : systemName(text),
      packageManagers: [...this.#managers],
    };
  }

  #takeFile({ type, linkName }: LayerEntry, path: string, text: string): void {
    // A directory is one with that of lower layers.
    if (type === "directory" && folderPattern.test(path)) return;
    this.#hide(path);
    if (type === "directory" || this.#isHidden(path)) return;
    const [, , program = ""] = managerPattern.exec(path) ?? [];
    const manager = Object.hasOwn(managers, program) ? managers[program] : undefined;
    if (manager !== undefined) this.#managers.add(manager);
    if (!osReleasePattern.test(path) || this.#osReleases.size >= maxOsReleases) return;
    const target = type === "hard link" ? `/${linkName}` : linkName;
    this.#osReleases.set(path, type === "file" ? { text } : { target });
  }

  /** Hides a path in the layers below this one, if it matters. */
  #hide(path: string): void {
    const matters =
      folderPattern.test(path) || managerPaths.includes(path) || osReleasePattern.test(path);
    if (matters && this.#hides.size < maxHidden) this.#hides.add(path);
  }

  #isHidden(path: string): boolean {
    for (let at: string = path; at !== ""; at = splitPath(at).parent)
      if (this.#hidden.has(at)) return true;
    return this.#hidden.has("");
  }

  /** The content of an os-release, by its links. */
  #resolve(path: string, links = 0): string | undefined {
    const found = this.#osReleases.get(path);
    if (found === undefined || "text" in found) return found?.text;
    if (links === maxLinks) return undefined;
    const target = posix.resolve("/", splitPath(path).parent, found.target).slice(1);
    return this.#resolve(target, links + 1);
  }
}
