/**
 * The image configuration: what an image wants to be run like (OCI image-spec,
 * config.md, and Docker's image-spec v1.2 where it has more: Healthcheck, Shell).
 *
 * @module
 */

import * as v from "valibot";
import type { EnvEntry } from "../env/env_entry.ts";
import { MbctlError, usageError } from "../errors.ts";
import { parseSignal, type SignalName } from "../signal.ts";
import { type Digest, whyNoDigest } from "./digest.ts";
import { describeIssue } from "./manifest.ts";
import type { Platform } from "./platform.ts";

export interface ExposedPort {
  readonly port: number;
  readonly protocol: "tcp" | "udp" | "sctp";
}

/** A health check as Docker stores it; every duration in nanoseconds, 0 never. */
export interface HealthCheck {
  /** `["CMD", …]`, `["CMD-SHELL", line]` or `["NONE"]`. */
  readonly test: readonly string[];
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
}

export interface ImageConfig extends Platform {
  /** RFC 3339, as written. */
  readonly created?: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** In the image's order; no name twice. */
  readonly env: readonly EnvEntry[];
  /** As written: a name or number, perhaps `:` and a group; empty means root. */
  readonly user: string;
  /** Absolute and normalised; `/` where the image sets none. */
  readonly workingDir: string;
  /** Absolute, normalised, sorted, none twice, never `/`. */
  readonly volumes: readonly string[];
  readonly ports: readonly ExposedPort[];
  /** As systemd writes it, for instance `SIGQUIT`. */
  readonly stopSignal?: SignalName;
  readonly healthcheck?: HealthCheck;
  readonly labels: Readonly<Record<string, string>>;
  readonly shell?: readonly string[];
  /** The digests of the layers' plain tar streams, lowest first. */
  readonly diffIds: readonly Digest[];
}

/** No kernel interface can pass a NUL, and no file of ours either. */
const text = v.pipe(
  v.string(),
  v.check((value) => !value.includes("\0"), "it has a NUL character"),
);
/** valibot takes a list for an object whose keys are 0, 1, 2: a record must be none. */
const isNoList = v.check((value) => !Array.isArray(value), "Expected Object but received Array");
const words = v.nullish(v.array(text), []);
const keys = v.nullish(v.pipe(v.unknown(), isNoList, v.record(text, v.unknown())), {});
const duration = v.nullish(v.pipe(v.number(), v.minValue(0)));
const healthSchema = v.object({
  Test: v.nullish(v.array(text), []),
  Interval: duration,
  Timeout: duration,
  StartPeriod: duration,
  StartInterval: duration,
  Retries: v.nullish(v.pipe(v.number(), v.integer())),
});
const runSchema = v.object({
  User: v.nullish(text, ""),
  Env: words,
  Entrypoint: words,
  Cmd: words,
  WorkingDir: v.nullish(text, ""),
  Volumes: keys,
  ExposedPorts: keys,
  StopSignal: v.nullish(text, ""),
  Labels: v.nullish(v.pipe(v.unknown(), isNoList, v.record(text, text)), {}),
  Healthcheck: v.nullish(healthSchema),
  Shell: v.nullish(v.array(text)),
});
const schema = v.object({
  architecture: v.pipe(text, v.nonEmpty("it is empty")),
  os: v.pipe(text, v.nonEmpty("it is empty")),
  variant: v.nullish(text),
  created: v.nullish(text),
  config: v.nullish(v.pipe(v.unknown(), isNoList, runSchema), {}),
  rootfs: v.nullish(
    v.object({
      diff_ids: v.nullish(
        v.array(
          v.pipe(
            text,
            v.check((id) => whyNoDigest(id) === undefined, "it is no digest"),
          ),
        ),
        [],
      ),
    }),
    {},
  ),
});

/**
 * Reads an image configuration. Keys that nobody knows are passed over; a key of
 * the wrong type, a variable without a name and a path with `..` are refused.
 *
 * @param json the parsed JSON document.
 * @throws {MbctlError} (usage: bad input) naming the key.
 */
export function parseImageConfig(json: unknown): ImageConfig {
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (!result.success) throw refuse(describeIssue(result.issues[0]));
  const { config: run, rootfs, variant, created, architecture, os } = result.output;
  const stopSignal = parseStopSignal(run.StopSignal);
  const volumes = Object.keys(run.Volumes).map((path) => absolute(path, "config.Volumes"));
  if (volumes.includes("/")) throw refuse('config.Volumes: "/" cannot be a volume');
  return {
    architecture,
    os,
    ...(variant ? { variant } : {}),
    ...(created ? { created } : {}),
    entrypoint: run.Entrypoint,
    cmd: run.Cmd,
    env: parseEnv(run.Env),
    user: run.User,
    workingDir: absolute(run.WorkingDir, "config.WorkingDir"),
    volumes: [...new Set(volumes)].sort(),
    ports: Object.keys(run.ExposedPorts).map(parsePort).sort(byPort),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(run.Healthcheck ? { healthcheck: toHealthCheck(run.Healthcheck) } : {}),
    labels: run.Labels,
    ...(run.Shell ? { shell: run.Shell } : {}),
    diffIds: rootfs.diff_ids.map((id) => id as Digest),
  };
}

/** Reads an image configuration from its blob. */
export function parseImageConfigText(blob: string): ImageConfig {
  let json: unknown;
  try {
    json = JSON.parse(blob);
  } catch {
    throw refuse("it is no JSON");
  }
  return parseImageConfig(json);
}

/** The same of what mbctl kept; undefined where it keeps none, or the file was damaged since. */
export function keptImageConfig(text: string | undefined): ImageConfig | undefined {
  if (text === undefined) return undefined;
  try {
    return parseImageConfigText(text);
  } catch (error) {
    if (error instanceof MbctlError) return undefined;
    throw error;
  }
}

/**
 * Environment entries. An entry without "=" gets an empty value: the specification
 * knows no such entry, podman reads it so, and the other reading (Docker's command
 * line: "take it from the caller") would let the host leak into the machine. Of two
 * entries with one name the last value wins, at the place of the first, as in Docker.
 */
function parseEnv(entries: readonly string[]): EnvEntry[] {
  const values = new Map<string, string>();
  entries.forEach((entry, index) => {
    const equals = entry.indexOf("=");
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (name === "") throw refuse(`config.Env.${index}: the name of the variable is empty`);
    values.set(name, equals < 0 ? "" : entry.slice(equals + 1));
  });
  return [...values];
}

function parseStopSignal(name: string): SignalName | undefined {
  if (name === "") return undefined;
  try {
    return parseSignal(name);
  } catch {
    throw refuse(`config.StopSignal: ${JSON.stringify(name)} is no signal`);
  }
}

/** A path as Docker resolves it: from `/`, without empty and `.` parts. `..` is refused. */
function absolute(path: string, key: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refuse(`${key}: ${JSON.stringify(path)} has ".." in it`);
  return `/${parts.join("/")}`;
}

function parsePort(key: string): ExposedPort {
  const [, digits, protocol = "tcp"] = /^([0-9]{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(key) ?? [];
  const port = Number(digits);
  if (digits === undefined || port < 1 || port > 65535) {
    throw refuse(`config.ExposedPorts: ${JSON.stringify(key)} is no port`);
  }
  return { port, protocol: protocol.toLowerCase() as ExposedPort["protocol"] };
}

function byPort(a: ExposedPort, b: ExposedPort): number {
  return a.port - b.port || (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0);
}

function toHealthCheck(json: v.InferOutput<typeof healthSchema>): HealthCheck {
  return {
    test: json.Test,
    ...(json.Interval ? { intervalNs: json.Interval } : {}),
    ...(json.Timeout ? { timeoutNs: json.Timeout } : {}),
    ...(json.StartPeriod ? { startPeriodNs: json.StartPeriod } : {}),
    ...(json.StartInterval ? { startIntervalNs: json.StartInterval } : {}),
    ...(json.Retries ? { retries: json.Retries } : {}),
  };
}

function refuse(state: string): MbctlError {
  return usageError(
    `Cannot use the image's configuration: ${state}`,
    "the image is damaged or made for something else: push it anew, or name another tag",
  );
}
