/** `.ci/run` with a make that does as it is told: what is said last, and the exit code. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

let folder = "";

function writeScript(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, path), 0o755);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-ci-"));
  cpSync(join(import.meta.dir, "../.ci/run"), join(folder, "clone/.ci/run"));
  writeScript("bin/npm", "exit 0");
  writeScript("clone/test/lab/install_packages.sh", 'echo "install $*"');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs it from another directory, with only our own make. */
function ciRun(make: string) {
  writeScript("bin/make", make);
  const child = Bun.spawnSync([join(folder, "clone/.ci/run")], {
    cwd: "/",
    env: { PATH: `${folder}/bin:/usr/bin:/bin` },
    stdin: Buffer.from("this must not be read"),
  });
  const lines = child.stdout.toString().trimEnd().split("\n");
  return { exitCode: child.exitCode, last: lines.at(-1), lines };
}

const summary = (line: string) =>
  `mkdir -p build/reports; echo "${line}" | tee build/reports/summary`;

describe(".ci/run", () => {
  test("calls make test with CI=true and no input, and ends with the sum", () => {
    const make = `echo "make $* CI=$CI input=$(cat)"; ${summary("7 passed, 0 failed")}`;
    expect(ciRun(make)).toEqual({
      exitCode: 0,
      last: "7 passed, 0 failed",
      lines: ["make test CI=true input=", "7 passed, 0 failed", "7 passed, 0 failed"],
    });
  });

  test("fails with what failed; make's own words are not the last ones", () => {
    const make = `${summary("7 passed, 2 failed, 1 skipped")}; echo "make: *** Error 1"; exit 2`;
    expect(ciRun(make)).toMatchObject({
      exitCode: 1,
      last: "7 passed, 2 failed, 1 skipped",
    });
  });

  test("counts a make that died as a failure, and takes no older sum for its own", () => {
    expect(ciRun("exit 2")).toMatchObject({
      exitCode: 1,
      last: "0 passed, 1 failed",
    });
    expect(ciRun("kill -9 $$")).toMatchObject({
      exitCode: 1,
      last: "0 passed, 1 failed",
    });
    expect(ciRun("exit 0")).toMatchObject({
      exitCode: 1,
      last: "0 passed, 1 failed",
    });
  });
});
