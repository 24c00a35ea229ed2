/** A root tree in a temporary folder with man8s-init in it, and ways to run it: the shipped files, through their test seams. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { INIT_FILES } from "../../lib/init/init_files.ts";

/** The busybox of the machine that runs the tests. */
export const BUSYBOX: string = Bun.which("busybox") ?? "/bin/busybox";

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  /** stdout, a character for each byte. */
  readonly latin1: string;
  readonly stderr: string;
}

export class InitRoot {
  readonly path: string = mkdtempSync(join(tmpdir(), "man8s-init-test-"));

  constructor() {
    for (const file of INIT_FILES) {
      this.write(`/man8s-init/${file.name}`, file.text, file.mode);
    }
    this.write("/man8env.env", "");
    symlinkSync(BUSYBOX, this.at("/man8s-init/busybox"));
  }

  at(path: string): string {
    return join(this.path, path);
  }

  write(path: string, text: string | Uint8Array, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
    chmodSync(this.at(path), mode);
  }

  /** Makes programs of the image's: links to busybox. */
  applets(...names: string[]): void {
    mkdirSync(this.at("/bin"), { recursive: true });
    for (const name of names) {
      if (!existsSync(this.at(`/bin/${name}`))) symlinkSync(BUSYBOX, this.at(`/bin/${name}`));
    }
  }

  /** Runs the whole init, outside of any namespace, with `env` as what nspawn gives. */
  run(env: Record<string, string> = {}, cwd = "/"): RunResult {
    return run([BUSYBOX, "sh", this.at("/man8s-init/00-init.sh")], {
      env: {
        PATH: "/bin",
        HOME: "/root",
        MAN8S_TEST_ROOT: this.path,
        ...env,
      },
      cwd,
    });
  }

  /** Runs a script with the named fragments sourced, as 00-init.sh would have them. */
  source(fragments: readonly string[], script: string): RunResult {
    const prelude = [
      `m8_root='${this.path}' m8_dir='${this.path}/man8s-init' m8_bb='${BUSYBOX}' m8_state='${this.path}/run/man8s-init' m8_newline='\n'`,
      "m8_log() { printf 'man8s-init: %s\\n' \"$*\" >&2; }",
      'm8_die() { m8_log "$@"; exit 125; }',
      ...fragments.map((name) => `. '${this.path}/man8s-init/${name}.sh'`),
    ];
    return run([BUSYBOX, "sh", "-c", [...prelude, script].join("\n")], {
      env: {},
      cwd: "/",
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function run(
  command: string[],
  options: { env: Record<string, string>; cwd: string },
): RunResult {
  const child = Bun.spawnSync(command, {
    ...options,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    code: child.exitCode,
    stdout: child.stdout.toString(),
    latin1: child.stdout.toString("latin1"),
    stderr: child.stderr.toString(),
  };
}
