/**
 * The lines `Bind=`, `BindReadOnly=` and `TemporaryFileSystem=` of somebody's nspawn file as volumes and devices.
 * Pure.
 *
 * @module
 */

import { normalize } from "node:path";
import type { EnvEntry } from "../env/env_entry.ts";
import { ENV_FILE_PATH } from "../init/init_files.ts";
import type { MachinePaths } from "../paths.ts";
import { splitBindFields } from "../nspawn/quote.ts";
import { parseUnitFile, unitEntries } from "../nspawn/unit_file.ts";
import { type Device, whyNoDevice } from "../spec/device.ts";
import type { Volume } from "../spec/machine_spec.ts";
import { parseMemorySize } from "../spec/memory_size.ts";
import { parseMount } from "../spec/volume.ts";
import { MbctlError } from "../errors.ts";
import type { KeptLine } from "./adopted_settings.ts";

/** The files of a machine that mbctl did not make. */
export interface AdoptedFiles {
  readonly nspawn: string;
  /** Of its man8env.env; empty without one. */
  readonly environment: readonly EnvEntry[];
}

export interface AdoptedBinds {
  readonly volumes: readonly Volume[];
  readonly devices: readonly Device[];
  /** Lines that machine.toml has no word for. */
  readonly kept: readonly KeptLine[];
}

/** Reads the lines; of two for one place the later one counts, as for systemd. */
export function readBinds(nspawn: string, paths: MachinePaths): AdoptedBinds {
  const volumes = new Map<string, Volume>();
  const devices: Device[] = [];
  const kept: KeptLine[] = [];
  for (const line of unitEntries(parseUnitFile(nspawn))) {
    if (line.section !== "Files" || !/^(Bind|BindReadOnly|TemporaryFileSystem)$/.test(line.key)) {
      continue;
    }
    const found =
      line.key === "TemporaryFileSystem"
        ? readTmpfs(line.value)
        : readBind(line.value, line.key === "BindReadOnly", paths);
    if (found === undefined) kept.push(line);
    else if (found === "env file") continue;
    else if ("access" in found) devices.push(found);
    else volumes.set(found.path, found);
  }
  return { volumes: [...volumes.values()], devices, kept };
}

/** Undefined for what neither a volume nor a device can be. Every machine has its env file. */
function readBind(
  value: string,
  isReadOnly: boolean,
  paths: MachinePaths,
): Volume | Device | "env file" | undefined {
  const [source = "", target = source, options = ""] = splitBindFields(value);
  const isPlain = options
    .split(",")
    .every((option) => ["", "idmap", "rbind", "norbind", "noidmap"].includes(option));
  if (!source.startsWith("/") || !target.startsWith("/") || !isPlain) return undefined;
  const [from, path] = [source, target].map((text) => normalize(`${text}/`).slice(0, -1)) as [
    string,
    string,
  ];
  if (path === ENV_FILE_PATH) return from === paths.envFile ? "env file" : undefined;
  const readOnly = isReadOnly ? { isReadOnly } : {};
  if (from === `${paths.configuration}${path}`) return { path, kind: "config", ...readOnly };
  if (from === `${paths.storage}${path}`) return { path, kind: "data", ...readOnly };
  if (from.startsWith("/dev/")) {
    if (whyNoDevice(from, path, "rwm") !== undefined) return undefined;
    return { source: from, target: path, access: isReadOnly ? "r" : "rwm", ifAbsent: "fail" };
  }
  try {
    return { ...parseMount(`${path}=${from}`), ...readOnly };
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

function readTmpfs(value: string): Volume | undefined {
  const [target = "", options = ""] = splitBindFields(value);
  if (!target.startsWith("/")) return undefined;
  const volume: { path: string; kind: "tmpfs"; mode?: number; sizeBytes?: number } = {
    path: normalize(target),
    kind: "tmpfs",
  };
  for (const option of options.split(",").filter((option) => option !== "")) {
    const [, key, text = ""] = /^(mode|size)=(.+)$/.exec(option) ?? [];
    if (key === "mode" && /^[0-7]{3,4}$/.test(text)) volume.mode = Number.parseInt(text, 8);
    else if (key === "size" && /^\d+[kmgKMG]?$/.test(text)) {
      volume.sizeBytes = parseMemorySize(text.toUpperCase());
    } else return undefined;
  }
  return volume;
}
