/** Archives of tests: written by hand, good or hostile. */

import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { parseDigest } from "../../lib/image/digest.ts";
import { paddingBytes, renderUstarHeader } from "../../lib/image/ustar.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import {
  type ArchiveManifest,
  formatManifest,
  manifestFile,
  type PartName,
  partFile,
} from "../../lib/transfer/archive_manifest.ts";
import { renderTar, type TarEntry } from "../lab/images/tar.ts";
import { filesOf, imageText, specOf } from "./_machine.ts";

/** An archive with these parts, as `mbctl machines export` writes one. */
export function archiveOf(
  parts: Partial<Record<PartName, readonly TarEntry[]>>,
  about: Partial<ArchiveManifest> = {},
): Uint8Array {
  const tars = Object.entries(parts).map(([name, entries]) => {
    const plain = renderTar(entries);
    return { name: name as PartName, plain, stored: Bun.zstdCompressSync(plain) };
  });
  const manifest: ArchiveManifest = {
    name: parseMachineName("web"),
    mbctl: "0",
    createdMs: 0,
    image: { reference: "docker.io/library/app:latest", digest: `sha256:${"0".repeat(64)}` },
    parts: tars.map(({ name, plain }) => ({
      name,
      sizeBytes: plain.length,
      digest: parseDigest(`sha256:${new Bun.CryptoHasher("sha256").update(plain).digest("hex")}`),
    })),
    secrets: [],
    ...about,
  };
  const text = Buffer.from(formatManifest(manifest));
  return Buffer.concat([
    renderUstarHeader(manifestFile, text.length),
    text,
    ...tars.flatMap(({ name, stored }) => [
      renderUstarHeader(partFile(name), stored.length),
      stored,
      new Uint8Array(paddingBytes(stored.length)),
    ]),
    new Uint8Array(1024),
  ]);
}

/** The configuration folder of a machine as entries of a tar; `changes` replace entries of the same path. */
export function configurationEntries(
  changes: readonly TarEntry[] = [],
  spec = specOf("web"),
): TarEntry[] {
  const files = filesOf(spec);
  const entries: TarEntry[] = [
    { path: "./", type: "dir", mode: 0o700 },
    { path: "./machine.toml", content: files.machineToml },
    { path: "./container.nspawn", content: files.nspawn },
    { path: "./man8env.env", content: files.envFile, mode: 0o600 },
    { path: "./.mbctl/", type: "dir", mode: 0o700 },
    { path: "./.mbctl/machine.toml", content: files.machineToml },
    { path: "./.mbctl/container.nspawn", content: files.nspawn },
    { path: "./.mbctl/man8env.env", content: files.envFile },
    { path: "./.mbctl/unit.conf", content: files.unitDropIn },
    { path: "./.mbctl/image.json", content: imageText },
    { path: "./.mbctl/unit.d/", type: "dir" },
    { path: "./.mbctl/unit.d/50-mbctl.conf", content: files.unitDropIn },
    { path: "./conf/", type: "dir" },
    { path: "./conf/settings", content: "kept\n" },
  ];
  const replaced = new Set(changes.map(({ path }) => path));
  return [...entries.filter(({ path }) => !replaced.has(path)), ...changes];
}

/** Bytes as they come: in pieces of so many. */
export async function* inPieces(bytes: Uint8Array, size = 4096): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A new folder that nobody else can enter. */
export function newFolder(dir: string): string {
  const folder = join(mkdtempSync(join(dir, "f-")), "folder");
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}
