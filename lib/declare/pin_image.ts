/**
 * The text of a machine.toml as it is kept: the administrator's own, with what mbctl found out written into it. Pure.
 *
 * @module
 */

import { parse, stringify } from "smol-toml";
import { setConfigValue } from "../config/edit_config.ts";
import { pinApp } from "../apps/edit_apps.ts";
import { MbctlError } from "../errors.ts";
import { unknownDigest } from "../image/digest.ts";
import type { MachineDeclaration, MachineSpec } from "../spec/machine_spec.ts";
import { isOsReference } from "../spec/os_reference.ts";
import { formatMachineToml, machineTable, parseDeclaration } from "../spec/machine_toml.ts";

/** The text, and whether the administrator's comments and order are in it. */
export interface PinnedText {
  readonly text: string;
  readonly isVerbatim: boolean;
}

/**
 * Writes into a declaration's text what it leaves open: digests, those of its applications too, name, address, volumes that the image declares.
 * Every other byte stays. A text that is written in a way which these edits do not know is written anew.
 *
 * @param spec what the text is to say.
 */
export function pinDeclaration(
  text: string,
  declared: MachineDeclaration,
  spec: MachineSpec,
): PinnedText {
  const edited = tryEdits(text, declared, spec);
  if (edited !== undefined && says(edited, spec)) return { text: edited, isVerbatim: true };
  return { text: formatMachineToml(spec), isVerbatim: false };
}

function tryEdits(
  text: string,
  declared: MachineDeclaration,
  spec: MachineSpec,
): string | undefined {
  try {
    const { reference, digest, manifestDigest } = spec.image;
    let edited = text;
    const top = parse(text);
    if (isOsReference(reference)) {
      // Its digests are not known, and the text may say `debian:12`.
      edited = edited.replace(
        /^(\s*image\s*=\s*)(?:"[^"\n]*"|'[^'\n]*')/m,
        (_, key) => key + quote(reference),
      );
    } else if (typeof top.image === "string" || isInline(text)) {
      const table = `{ reference = ${quote(reference)}, digest = ${quote(digest)}, manifest_digest = ${quote(manifestDigest)} }`;
      edited = edited.replace(
        /^(\s*image\s*=\s*)(?:"[^"\n]*"|'[^'\n]*'|\{[^\n]*\})/m,
        (_, key) => key + table,
      );
    } else {
      const set = (key: string, value: string) => {
        edited = setConfigValue(edited, key, value, "image");
      };
      if (declared.image.reference !== reference) set("reference", reference);
      if (declared.image.digest !== digest) set("digest", digest);
      if (declared.image.manifestDigest !== manifestDigest) set("manifest_digest", manifestDigest);
    }
    for (const app of spec.apps) {
      const before = declared.apps.find(({ name }) => name === app.name)?.image;
      if (app.image.digest === unknownDigest || Bun.deepEquals(before, app.image)) continue;
      edited = pinApp(edited, app) ?? edited;
    }
    if (!("name" in top)) edited = setConfigValue(edited, "name", spec.name);
    const { ipv4 } = machineTable(spec);
    if (typeof ipv4 === "string" && top.ipv4 !== ipv4)
      edited = setConfigValue(edited, "ipv4", ipv4);
    const known = new Set(declared.volumes.map(({ path }) => path));
    const added = spec.volumes.filter(({ path }) => !known.has(path));
    if (added.length === 0) return edited;
    const { volumes } = machineTable({ ...spec, volumes: added });
    return `${edited.endsWith("\n") ? edited : `${edited}\n`}\n${commented(stringify({ volumes }))}`;
  } catch (error) {
    // An edit that is not possible.
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

function commented(tables: string): string {
  return tables.replaceAll(/^\[\[volumes\]\]$/gm, "$& # the image declares it");
}

function isInline(text: string): boolean {
  return /^\s*image\s*=\s*\{/m.test(text);
}

/** Whether a text declares exactly this machine. */
function says(text: string, spec: MachineSpec): boolean {
  try {
    const read = parseDeclaration(text, "machine.toml", spec.name);
    return Bun.deepEquals(machineTable(read), machineTable(spec));
  } catch (error) {
    if (error instanceof MbctlError) return false;
    throw error;
  }
}

/** A basic string of TOML: references and digests have no character that JSON escapes otherwise. */
function quote(text: string): string {
  return JSON.stringify(text);
}
