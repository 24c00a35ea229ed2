/**
 * What `host setup` found before it changed anything: all that taking it back needs. It is on the disk before the
 * first change, so that a killed run is taken back by the next one.
 *
 * @module
 */

import * as v from "valibot";
import { formatPrefix, parsePrefix } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import type { HostNetwork } from "../network/host_network.ts";
import { formatIpv4Network, parseIpv4Network } from "../network/ipv4.ts";

/** Who manages the bridge. */
export const backendNames = ["networkd", "networkmanager"] as const;
export type BackendName = (typeof backendNames)[number];

const fileState = v.strictObject({
  /** Its bytes, in base64. */
  content: v.string(),
  mode: v.number(),
  owner: v.number(),
  group: v.number(),
});
/** A file as it lies on the disk. */
export type FileState = Readonly<v.InferOutput<typeof fileState>>;

const facts = v.strictObject({
  backend: v.picklist(backendNames),
  network: v.strictObject({
    bridge: v.string(),
    prefix: v.string(),
    ula: v.string(),
    ipv4: v.string(),
  }),
  uplinks: v.array(v.string()),
  /** yggdrasil's configuration, where setup made it, with a new key. */
  keyFile: v.optional(v.string()),
  /** Whether there was an interface of the bridge's name. */
  hadBridge: v.boolean(),
  /** nftables' tables that were there: `ip io.systemd.nat`. */
  tables: v.array(v.string()),
  files: v.array(
    v.strictObject({
      path: v.string(),
      before: v.nullable(fileState),
      /** SHA-256 of what setup wrote, in hexadecimal digits: another content is the administrator's. */
      written: v.string(),
    }),
  ),
  /** Folders that were not there, outermost first. */
  folders: v.array(v.string()),
  units: v.array(
    v.strictObject({ name: v.string(), isEnabled: v.boolean(), isActive: v.boolean() }),
  ),
  /** Values of the kernel's settings, by their paths below /proc/sys. */
  settings: v.array(v.strictObject({ key: v.string(), value: v.string() })),
});
/** What one setup, or several in a row, found and changed. */
export type SetupFacts = v.InferOutput<typeof facts>;

const schema = v.strictObject({
  schema: v.literal(1),
  /** The set-up that stands. */
  done: v.optional(facts),
  /** A run that has not come to its end. */
  begun: v.optional(facts),
});
/** The content of setup.json. */
export type SetupRecord = Readonly<v.InferOutput<typeof schema>>;

/** @throws {MbctlError} (host) when it is none of ours. */
export function parseRecord(text: string, file: string): SetupRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const read = v.safeParse(schema, json);
  if (read.success) return read.output;
  throw new MbctlError("host", `Cannot read ${JSON.stringify(file)}: ${v.summarize(read.issues)}`, {
    hint: "it was written by another version of mbctl, or edited: use that version, or mend it",
  });
}

/** Writes a record; the inverse of {@linkcode parseRecord}. */
export function formatRecord(record: SetupRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The networks as they stand in a record. */
export function recordNetwork({ bridge, prefix, ula, ipv4 }: HostNetwork): SetupFacts["network"] {
  return {
    bridge,
    prefix: formatPrefix(prefix),
    ula: formatPrefix(ula),
    ipv4: formatIpv4Network(ipv4),
  };
}

/** The inverse of {@linkcode recordNetwork}. */
export function networkOf({ network }: SetupFacts): HostNetwork {
  return {
    bridge: network.bridge,
    prefix: parsePrefix(network.prefix),
    ula: parsePrefix(network.ula),
    ipv4: parseIpv4Network(network.ipv4),
  };
}

/** The record of two runs in a row: what was there before the first one, and what was written last. */
export function joinFacts(first: SetupFacts | undefined, second: SetupFacts): SetupFacts {
  if (first === undefined) return second;
  const join = <T>(a: readonly T[], b: readonly T[], key: (item: T) => string): T[] => {
    const known = new Set(a.map(key));
    return [...a, ...b.filter((item) => !known.has(key(item)))];
  };
  const written = new Map(second.files.map((file) => [file.path, file.written]));
  const keyFile = second.keyFile ?? first.keyFile;
  return {
    ...second,
    ...(keyFile === undefined ? {} : { keyFile }),
    hadBridge: first.hadBridge,
    tables: first.tables,
    files: join(first.files, second.files, ({ path }) => path).map((file) => ({
      ...file,
      written: written.get(file.path) ?? file.written,
    })),
    folders: join(first.folders, second.folders, String),
    units: join(first.units, second.units, ({ name }) => name),
    settings: join(first.settings, second.settings, ({ key }) => key),
  };
}
