import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REQUIRED_APPLETS } from "../../lib/init/busybox.ts";
import { INIT_FILES } from "../../lib/init/init_files.ts";
import { BUSYBOX, run } from "./init_root.ts";

const TEMPLATES = join(import.meta.dir, "../../init-templates");
const OUTSIDE = { env: { PATH: process.env.PATH ?? "" }, cwd: TEMPLATES };

describe("INIT_FILES", () => {
  test("holds every shell file of init-templates, with its text", () => {
    const onDisk = readdirSync(TEMPLATES).filter((name) => name.endsWith(".sh"));
    expect(INIT_FILES.map((file) => file.name).sort()).toEqual(onDisk.sort());
    for (const file of INIT_FILES) {
      expect(file.text).toBe(readFileSync(join(TEMPLATES, file.name), "utf8"));
    }
  });

  test("stands in the order in which 00-init.sh sources the fragments", () => {
    const sourced = [...(INIT_FILES[0]?.text ?? "").matchAll(/^\. "\$m8_dir\/(.+)"$/gm)].map(
      (match) => match[1],
    );
    expect(sourced).toEqual(INIT_FILES.slice(1, -1).map((file) => file.name));
  });

  test("begins with a line that the kernel execs, in the two files that are executable", () => {
    for (const file of INIT_FILES) {
      expect([file.name, file.text.startsWith("#!/man8s-init/busybox sh\n")]).toEqual([
        file.name,
        file.mode === 0o755,
      ]);
    }
  });

  test("has no fragment over 60 lines", () => {
    const long = INIT_FILES.filter((file) => file.text.split("\n").length > 60);
    expect(long.map((file) => file.name)).toEqual([]);
  });
});

describe("the fragments", () => {
  test("call exactly the applets that REQUIRED_APPLETS names", () => {
    const called = new Set<string>(["sh"]); // the first line of 00-init.sh
    for (const file of INIT_FILES) {
      for (const match of file.text.matchAll(
        /(?:"\$m8_bb"|"\.\/\$\{m8_bb#\/\}"|--\s+\\?\n?\s*(?=nsenter)) ?([a-z][a-z-]+)/g,
      )) {
        if (match[1] !== undefined) called.add(match[1]);
      }
    }
    expect([...called].sort()).toEqual([...REQUIRED_APPLETS].sort());
  });

  for (const [name, command] of [
    ["dash", ["dash", "-n"]],
    ["busybox sh", [BUSYBOX, "sh", "-n"]],
  ] as const) {
    test(`are in the grammar of ${name}`, () => {
      for (const file of INIT_FILES) {
        const result = run([...command, file.name], OUTSIDE);
        expect([file.name, result.code, result.stderr]).toEqual([file.name, 0, ""]);
      }
    });
  }

  test.skipIf(Bun.which("shellcheck") === null)(
    "pass shellcheck as the one program that they are",
    () => {
      const result = run(
        ["shellcheck", "--norc", "-x", "-P", "SCRIPTDIR", "-s", "dash", "00-init.sh"],
        OUTSIDE,
      );
      expect([result.code, result.stdout, result.stderr]).toEqual([0, "", ""]);
    },
  );
});
