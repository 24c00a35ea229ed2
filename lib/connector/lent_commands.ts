/**
 * Which commands a machine lends, and what each of them runs.
 *
 * @module
 */

import { basename } from "node:path";
import type { ImageConfig } from "../image/config.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { LentCommands, MachineSpec } from "../spec/machine_spec.ts";

/** One command. */
export interface LentCommand {
  /** The program and the words before those of the caller, who cannot change them. */
  readonly words: readonly string[];
  /** Used when the caller gives none: of an image, its Cmd. */
  readonly defaults: readonly string[];
  /** The application that it runs in; undefined: the machine's own program. */
  readonly app?: AppName;
}

/** What an image says of the program that it runs. */
type Program = Pick<ImageConfig, "entrypoint" | "cmd">;

/** A machine, or an application in one. */
type Lender = Pick<AppSpec, "entrypoint" | "args" | "lend">;

/**
 * All commands that a machine lends, by name. Of two with one name the machine's own counts, then that of the first
 * application.
 *
 * @param image undefined where it is not known: it lends no program by itself then.
 * @param apps the images of its applications.
 */
export function lentCommands(
  spec: Pick<MachineSpec, "mode" | "apps"> & Lender,
  image: Program | undefined,
  apps: ReadonlyMap<AppName, Program> = new Map(),
): ReadonlyMap<string, LentCommand> {
  const entries = [
    ...commandsOf(spec, spec.mode === "connector", image),
    ...spec.apps.flatMap((app) =>
      commandsOf(app, !app.isStarted, apps.get(app.name)).map(
        ([name, command]) => [name, { ...command, app: app.name }] as const,
      ),
    ),
  ];
  // The first of a name counts.
  return new Map(entries.toReversed());
}

/** @param lendsProgram whether it is there for its commands alone: without others it lends its program. */
function commandsOf(
  lender: Lender,
  lendsProgram: boolean,
  image: Program | undefined,
): (readonly [string, LentCommand])[] {
  const chosen = chosenCommands(lender.lend);
  return chosen.length > 0 || !lendsProgram ? chosen : imageCommand(lender, image);
}

function chosenCommands(lend: LentCommands): (readonly [string, LentCommand])[] {
  return Object.entries(lend).map(([name, words]) => [name, { words, defaults: [] }] as const);
}

/**
 * A program under its own name. Whoever calls it may replace the image's Cmd, as with podman run, but never its
 * Entrypoint; nor, where there is none, the program that Cmd names.
 */
function imageCommand(
  { entrypoint, args }: Lender,
  image: Program | undefined,
): (readonly [string, LentCommand])[] {
  const first = entrypoint ?? image?.entrypoint ?? [];
  const rest = args ?? (entrypoint === undefined ? image?.cmd : []) ?? [];
  const words = first.length > 0 ? first : rest.slice(0, 1);
  const name = basename(words[0] ?? "");
  if (!isCommandName(name)) return [];
  return [[name, { words, defaults: first.length > 0 ? rest : rest.slice(1) }]];
}

/** As machine.toml takes them in `[lend]`: the name becomes that of a file beside the socket. */
export function isCommandName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}$/.test(name);
}
