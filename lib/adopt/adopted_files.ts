/**
 * The files of a machine that is taken over. Pure.
 *
 * @module
 */

import type { EditedFiles } from "../change/present_machine.ts";
import { toLatin1 } from "../change/rerender.ts";
import type { Platform } from "../image/platform.ts";
import { ENV_FILE_PATH } from "../init/init_files.ts";
import type { MachineFiles } from "../render/render.ts";
import { parseUnitFile, unitEntries } from "../nspawn/unit_file.ts";
import type { AdoptedSettings, KeptLine } from "./adopted_settings.ts";

export interface AdoptedParts {
  /** As they are; latin1. A file that is missing is empty. */
  readonly ours: EditedFiles;
  /** What mbctl renders of what it understood. */
  readonly rendered: MachineFiles;
  readonly settings: AdoptedSettings;
  readonly takesInit: boolean;
  /** Whether systemd-nspawn has given the tree to the machine's users: its owners on the disk are not those inside. */
  readonly isShifted: boolean;
}

/** The files as they are to lie on the disk: verbatim, but where man8s-init takes the place of another init. */
export function adoptedFiles({
  ours,
  rendered,
  settings,
  takesInit,
  isShifted,
}: AdoptedParts): EditedFiles {
  const nspawn = withOwners(toLatin1(rendered.nspawn), ours.nspawn, isShifted);
  return {
    nspawn: takesInit ? withKept(nspawn, settings) : ours.nspawn || emptyNspawn,
    envFile: takesInit
      ? withOwnArgs(toLatin1(rendered.envFile), ours.envFile)
      : ours.envFile || withoutAddresses(toLatin1(rendered.envFile)),
    // A whole system is stopped by its own init.
    unitDropIn:
      ours.unitDropIn || (settings.isBooted ? bootedDropIn : toLatin1(rendered.unitDropIn)),
  };
}

/**
 * Owners as they are on the disk: what the machine wrote to a folder that was bound without `idmap` belongs to ids of
 * its own range, and a tree that was given to them cannot be mapped again (systemd.nspawn(5), PrivateUsersOwnership=).
 */
function withOwners(nspawn: string, ours: string, isShifted: boolean): string {
  const owned = isShifted
    ? nspawn.replace(/^PrivateUsersOwnership=map$/m, "PrivateUsersOwnership=chown")
    : nspawn;
  return (
    unitEntries(parseUnitFile(ours))
      .filter(({ section, key }) => section === "Files" && /^Bind(ReadOnly)?$/.test(key))
      // Root's on the host, and to be read by the machine's.
      .filter(({ value }) => !value.endsWith(`:${ENV_FILE_PATH}`))
      .map(({ key, value }) => `\n${key}=${value.includes(":") ? value : `${value}:${value}`}`)
      .reduce((text, line) => text.replaceAll(`${line}:idmap\n`, () => `${line}\n`), owned)
  );
}

const emptyNspawn = "# No settings: systemd-nspawn's own defaults.\n";
const bootedDropIn = "# Left to the machine's own init.\n";

/** Lines that machine.toml has no word for, behind ours: systemd takes the last one. */
function withKept(nspawn: string, settings: AdoptedSettings): string {
  const lines = keptLines(settings, nspawn).map(({ section, key, value }) =>
    toLatin1(`\n[${section}]\n${key}=${value}\n`),
  );
  return [nspawn, ...lines].join("");
}

/** The lines that are kept, but for those that mbctl renders too. */
export function keptLines({ kept }: AdoptedSettings, rendered: string): KeptLine[] {
  const ours = new Set(unitEntries(parseUnitFile(rendered)).map(lineOf));
  return kept.filter((line) => !ours.has(lineOf(line)));
}

function lineOf({ section, key, value }: KeptLine): string {
  return `[${section}] ${key}=${value}`;
}

/** A command line may be one for a shell: it stays as it was written. */
function withOwnArgs(envFile: string, before: string): string {
  const args = /^MAN8S_APPLICATION_ARGS=.*$/m;
  const own = args.exec(before)?.[0];
  return own === undefined ? envFile : envFile.replace(args, () => own);
}

/** Without man8s-init the machine has no address of ours. */
function withoutAddresses(envFile: string): string {
  return envFile.replaceAll(/^MAN8S_(YGGDRASIL|ULA)_ADDRESS=.*\n/gm, "");
}

/** The configuration that its image would have: for rendering it anew. */
export function imageTextOf(
  { words, imageEnvironment, volumes }: AdoptedSettings,
  { os, architecture }: Platform,
): string {
  return JSON.stringify({
    architecture,
    os,
    config: {
      Cmd: words.length > 0 ? words : ["/sbin/init"],
      Env: imageEnvironment.map(([name, value]) => `${name}=${value}`),
      Volumes: Object.fromEntries(
        volumes.flatMap(({ path, kind }) => (kind === "tmpfs" ? [] : [[path, {}]])),
      ),
    },
    rootfs: { type: "layers", diff_ids: [] },
  });
}
