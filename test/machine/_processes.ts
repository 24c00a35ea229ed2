/** The processes that mbctl starts, and programs that stand in for them. */

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../lab/wait_for.ts";

/** Puts a shell script into a folder for PATH. */
export function writeProgram(bin: string, name: string, script: string): void {
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!/usr/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

/** Waits until a process of mbctl applies layers. */
export async function applierOf(pid: number): Promise<number> {
  const find = () =>
    readdirSync("/proc").find(
      (name) => fieldsOf(name)?.[1] === `${pid}` && isApplier(commandOf(name)),
    );
  return Number(await waitFor(find, { what: "the applying process" }));
}

/** Waits until a process is gone: where nobody takes its exit code, a zombie is left. */
export async function hasEnded(pid: number): Promise<void> {
  await waitFor(() => ["Z", undefined].includes(fieldsOf(`${pid}`)?.[0]), {
    what: `the end of process ${pid}`,
  });
}

const isApplier = (words: readonly string[]) => words.includes("--mbctl-internal=apply-layers");

function commandOf(pid: string): string[] {
  return read(`/proc/${pid}/cmdline`).split("\0");
}

/** State, parent, … (proc_pid_stat(5)); undefined when there is no such process. */
function fieldsOf(pid: string): string[] | undefined {
  const text = /^\d+$/.test(pid) ? read(`/proc/${pid}/stat`) : "";
  return text === "" ? undefined : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
