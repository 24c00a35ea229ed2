/**
 * A host as the verbs see it: a root directory, a way to run commands, and
 * settings.
 *
 * @module
 */

import { hostname } from "node:os";
import { join } from "node:path";
import { type HostConfig, parseHostConfig } from "../config/host_config.ts";
import { foldersBelow } from "../paths.ts";
import { readTextIfPresent } from "./files.ts";
import { makeRun, type Run } from "./run.ts";
import { makeSpawn, type Spawn } from "./spawn.ts";

export interface Host {
  /** Where the host's file system begins: "/", or what `--root` names. */
  readonly root: string;
  /** Whether systemd of this very root runs, and is to be asked and told. */
  readonly isLive: boolean;
  readonly run: Run;
  readonly spawn: Spawn;
  readonly config: HostConfig;
  /** Its host name, without a domain. */
  readonly name: string;
}

/** What opening a host needs of a verb's context. */
export interface HostContext {
  readonly root: string;
  readonly log: { command(line: string): void };
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a host: reads its settings, nothing else.
 *
 * @throws {MbctlError} (usage) when config.toml cannot be read.
 */
export function openHost({ root, log, signal }: HostContext): Host {
  const file = foldersBelow(root).hostConfiguration;
  const config = parseHostConfig(readTextIfPresent(file), file);
  const options = { onCommand: (line: string) => log.command(line), signal };
  const [run, spawn] = [makeRun(options), makeSpawn(options)];
  return { root, isLive: root === "/", run, spawn, config, name: readName(root) };
}

/** The same host for work that must come to its end: Ctrl-C does not end its commands. */
export function undisturbed(host: Host): Host {
  const never = new AbortController().signal;
  const run: Run = (argv, options) =>
    host.run(argv, { ...options, signal: options?.signal ?? never, isUndisturbed: true });
  return { ...host, run };
}

function readName(root: string): string {
  const text = root === "/" ? hostname() : (readTextIfPresent(join(root, "etc/hostname")) ?? "");
  return text.trim().split(".")[0] || "localhost";
}
