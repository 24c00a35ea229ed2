import { afterAll, describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { BUSYBOX, InitRoot } from "./init_root.ts";

const root = new InitRoot();
root.write("/bin/ls", "#!/bin/own-shell\n", 0o755);
root.write("/bin/sh", "\x7fELF", 0o755);
root.write("/opt/sh", "\x7fELF", 0o755);
root.write("/bin/plain", "text", 0o644);
root.write("/opt/plain", "text", 0o755);
root.write("/bin/folder/file", "");
root.write("/bin/only-plain", "text", 0o644);
root.write("/bin/blank", "#! /bin/sh -e\n", 0o755);
root.write("/bin/orphan", "#! /bin/lost -e\n", 0o755);
root.write("/bin/short", "#", 0o755);
root.write("/bin/empty", "", 0o755);
root.write("/bin/binary", new Uint8Array(100_000).fill(65), 0o755);
root.write("/work/run.sh", "#!/bin/sh\n", 0o755);
root.write("/bin/own-shell", "", 0o755);
symlinkSync("nowhere", root.at("/bin/dangling"));
afterAll(() => root[Symbol.dispose]());

/** What the lookup finds, with the root cut off, or its exit code and reason. */
function find(name: string, path = "/bin:/opt"): string {
  const result = root.source(
    ["70-program"],
    `cd '${root.at("/work")}'; PATH='${path}'
if m8_find_program '${name}' && m8_check_interpreter "$m8_program"; then echo "$m8_program"; else echo "$m8_code $m8_text"; fi`,
  );
  expect(result.stderr).toBe("");
  return result.stdout.trimEnd().replace(root.path, "");
}

describe("the program", () => {
  test("is found in the image's PATH as execvp would, also where busybox has an applet of its name", () => {
    const rows: [name: string, path: string, found: string][] = [
      ["ls", "/bin:/opt", "/bin/ls"],
      ["sh", "/opt:/bin", "/opt/sh"],
      ["sh", "/nowhere:/bin", "/bin/sh"],
      ["plain", "/bin:/opt", "/opt/plain"],
      ["folder", "/bin", '126 "/bin/folder" is a folder'],
      ["only-plain", "/bin:/opt", '126 "/bin/only-plain" is not executable'],
      ["dangling", "/bin", "127 no such program"],
      ["httpd", "/bin:/opt", "127 no such program"],
      ["env", "", "127 no such program"],
      ["", "/bin", "127 no such program"],
      ["run.sh", "/bin:", "./run.sh"],
      ["run.sh", ":/bin", "./run.sh"],
      ["run.sh", "/bin::/opt", "./run.sh"],
      ["run.sh", "", "./run.sh"],
      ["run.sh", "/bin:.", "./run.sh"],
      ["run.sh", "/bin", "127 no such program"],
      ["./run.sh", "/bin", "./run.sh"],
      ["../work/run.sh", "/bin", "../work/run.sh"],
      ["/bin/ls", "/opt", "/bin/ls"],
      ["/bin/lost", "/bin", "127 no such program"],
      ["/bin", "/bin", '126 "/bin" is a folder'],
      ["/bin/plain", "/bin", '126 "/bin/plain" is not executable'],
    ];
    for (const [name, path, found] of rows) {
      expect([name, path, find(name, path)]).toEqual([name, path, found]);
    }
  });

  test("that is a script must have its interpreter in the image", () => {
    expect(find("blank")).toBe("/bin/blank");
    expect(find("orphan")).toBe('127 its interpreter "/bin/lost" is not in the image');
    for (const name of ["short", "empty", "binary"]) {
      expect(find(name)).toBe(`/bin/${name}`);
    }
  });

  test("that is missing ends the machine with the shell's exit code", () => {
    for (const [name, code, reason] of [
      ["httpd", 127, "no such program"],
      ["only-plain", 126, '"/bin/only-plain" is not executable'],
      ["orphan", 127, 'its interpreter "/bin/lost" is not in the image'],
    ] as const) {
      root.write("/man8env.env", `MAN8S_APPLICATION_ARGS=${name}\n`);
      const result = root.run();
      expect([result.code, result.stderr]).toEqual([
        code,
        `man8s-init: Cannot start "${name}": ${reason}\n`,
      ]);
    }
  });

  test("gives its own exit code, and has the pid that the init had", () => {
    using tree = new InitRoot();
    tree.applets("sh");
    tree.write("/man8env.env", "MAN8S_APPLICATION_ARGS=sh -c 'exit 7'\n");
    expect(tree.run().code).toBe(7);
    tree.write("/man8env.env", "MAN8S_APPLICATION_ARGS=sh -c 'echo $$'\n");
    const child = Bun.spawnSync([BUSYBOX, "sh", tree.at("/man8s-init/00-init.sh")], {
      env: { PATH: "/bin", MAN8S_TEST_ROOT: tree.path },
    });
    expect(child.stdout.toString()).toBe(`${child.pid}\n`);
  });
});
