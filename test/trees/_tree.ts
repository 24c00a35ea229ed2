/** Trees with owners, links and attributes, written and compared as archives by GNU tar. */

import { mkdirSync } from "node:fs";
import { renderTar, type TarEntry } from "../lab/images/tar.ts";

const attributes = ["--xattrs", "--xattrs-include=*", "--numeric-owner"];

/** Whether the tests may give files away. */
export const isRoot = process.getuid?.() === 0;

/** Unpacks entries into a folder, which it makes. */
export function writeTree(dir: string, entries: readonly TarEntry[]): void {
  mkdirSync(dir, { recursive: true });
  const { exitCode, stderr } = Bun.spawnSync(["tar", ...attributes, "-xpf", "-", "-C", dir], {
    stdin: renderTar(entries),
  });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** A folder as an archive's hash: owners, modes, times, links, devices and attributes are in it. */
export function packTree(dir: string): string {
  return new Bun.CryptoHasher("sha256").update(archive(dir)).digest("hex");
}

/** The names of the extended attributes in a folder, sorted. */
export function attributesIn(dir: string): string[] {
  const text = archive(dir).toString("latin1");
  return [...text.matchAll(/ SCHILY\.xattr\.([a-z.]+)=/g)].map(([, name = ""]) => name).sort();
}

function archive(dir: string): Buffer {
  const format = [
    "--sort=name",
    "--format=posix",
    "--pax-option=exthdr.name=%f,delete=atime,delete=ctime",
  ];
  const { stdout, exitCode, stderr } = Bun.spawnSync([
    "tar",
    ...attributes,
    ...format,
    "-cf",
    "-",
    "-C",
    dir,
    ".",
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return stdout;
}
