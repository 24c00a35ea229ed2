import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readUnitFiles } from "../../lib/snapshots/unit_files.ts";

test("readUnitFiles() reads drop-ins as bytes, and leaves out what is none or leads elsewhere", () => {
  const folder = mkdtempSync(join(tmpdir(), "mbctl-units-"));
  try {
    writeFileSync(join(folder, "90-mine.conf"), Buffer.from([0xff]));
    writeFileSync(join(folder, "50-mbctl.conf"), "ours");
    writeFileSync(join(folder, ".50-mbctl.conf.mbctl-new"), "half");
    writeFileSync(join(folder, "README"), "no drop-in");
    symlinkSync("/etc/shadow", join(folder, "link.conf"));
    mkdirSync(join(folder, "folder.conf"));
    expect(readUnitFiles(folder)).toEqual([
      { name: "50-mbctl.conf", text: "ours" },
      { name: "90-mine.conf", text: "\xff" },
    ]);
    expect(readUnitFiles(join(folder, "none"))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
