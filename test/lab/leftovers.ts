/**
 * What a lab that has ended may have left on the outer machine. Other labs may run
 * beside it: only what bears this lab's name counts, and it is to be nothing.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { stateRoot } from "./reaper.ts";
import { run } from "./run.ts";

/**
 * Looks for mounts, processes, network interfaces, named network namespaces, cgroups, run
 * and state folders of a lab.
 *
 * @param runDir the lab's folder, `/var/tmp/mbctl-lab-XXXXXX`: its last part is in all its names.
 * @returns one line for each leftover, `mount /var/tmp/mbctl-lab-XXXXXX/…`.
 */
export async function findLeftovers(runDir: string): Promise<string[]> {
  const name = basename(runDir);
  const id = name.slice("mbctl-lab-".length);
  const found = (kind: string, lines: readonly string[]) =>
    lines.filter((line) => line.includes(name)).map((line) => `${kind} ${line}`);
  return [
    ...found(
      "mount",
      await linesOf("findmnt", "--noheadings", "--list", "--output", "TARGET,SOURCE"),
    ),
    ...found("process", await commandLines()),
    // The veth pairs of a lab never are in the outer namespace: each end is born in a host.
    ...(await linesOf("ip", "-o", "link"))
      .filter((line) => /: to-/.test(line))
      .map((line) => `link ${line}`),
    ...found("network namespace", await linesOf("ip", "netns")),
    ...found("cgroup", await linesOf("find", "/sys/fs/cgroup", "-type", "d", "-name", `${name}-*`)),
    ...[runDir, join(stateRoot, id), join(stateRoot, `.new-${id}`)]
      .filter(existsSync)
      .map((path) => `folder ${path}`),
  ];
}

async function linesOf(...argv: string[]): Promise<string[]> {
  const { stdout } = await run(argv, { allowFailure: true });
  return stdout.split("\n").filter((line) => line !== "");
}

/** `PID words… in cgroups` of every process but our own. */
async function commandLines(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter(
    (entry) => /^[0-9]+$/.test(entry) && entry !== String(process.pid),
  );
  return await Promise.all(
    pids.map(async (pid) => {
      // A process that ends while we look is none.
      const read = async (file: string) =>
        await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
      const words = (await read("cmdline")).replaceAll("\0", " ").trim();
      // A process that has ended waits for its parent, or the machine's init, to notice.
      if (/^State:\tZ/m.test(await read("status"))) return "";
      const groups = (await read("cgroup")).trim().replaceAll("\n", " ");
      return `${pid} ${words} in ${groups}`;
    }),
  );
}
