/**
 * `machines apply` with nothing to do: for one machine, for a hundred, beside reading all of their files.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { mbctlBinary } from "../lab/lab.ts";
import { head, renderColumns, row, spreadOf } from "./medians.ts";

const machines = 100;
const runs = 7;

/** Makes a hundred machines below a folder, measures, and returns the table as text. */
export async function benchApply(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "mbctl-bench-"));
  try {
    const root = join(folder, "root");
    mkdirSync(join(root, "etc/mbctl"), { recursive: true });
    writeFileSync(join(root, "etc/mbctl/config.toml"), 'prefix = "300:2e98:a4b0:1789::/64"\n');
    const declarations = join(folder, "declarations");
    mkdirSync(declarations);
    await makeBusyboxImage(join(folder, "image"), {
      config: { Cmd: ["sleep", "1000"], Env: ["PATH=/bin"], Volumes: { "/data": {} } },
    });
    for (let number = 0; number < machines; number++) {
      writeFileSync(
        join(declarations, `m${number}.toml`),
        `schema = 1\nimage = "oci:${folder}/image:latest"\n\n[env]\nNUMBER = "${number}"\n`,
      );
    }
    const apply = (...operands: string[]) => [
      ...[mbctlBinary, "machines", "apply", "--root", root, "--quiet", ...operands],
    ];
    timeOf(apply(declarations));
    const configs = join(root, "var/lib/man8machine_configs");
    const files = readdirSync(configs, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const rows: readonly (readonly [string, readonly string[]])[] = [
      [`cat of all ${files.length} files of ${machines} machines`, ["cat", ...files]],
      [`machines list, ${machines} machines`, [mbctlBinary, "machines", "list", "--root", root]],
      ["machines apply, 1 machine", apply(join(declarations, "m0.toml"))],
      [`machines apply, ${machines} machines`, apply(declarations)],
    ];
    const times = rows.map((): number[] => []);
    for (let round = -1; round < runs; round++) {
      for (const [index, [, argv]] of rows.entries()) {
        const ms = timeOf(argv);
        if (round >= 0) times[index]?.push(ms);
      }
    }
    return renderColumns([
      ["apply with nothing to do", ...head.slice(1)],
      ...rows.map(([what], index) => row(what, spreadOf(times[index] ?? []))),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function timeOf(argv: readonly string[]): number {
  const startMs = performance.now();
  const { exitCode, stderr } = Bun.spawnSync([...argv], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const ms = performance.now() - startMs;
  if (exitCode !== 0) throw new Error(`Cannot measure ${argv.slice(0, 4).join(" ")}: ${stderr}`);
  return ms;
}
