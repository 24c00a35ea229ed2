/**
 * Runs the commands of an application of a booted machine: where its own program is, with what its unit leaves it.
 *
 * The unit's process gives the mount namespace (its root, its /proc, its volumes, what is read-only), the cgroup, the bounds of
 * capabilities and no_new_privs. One that lends commands alone has such a process as well, which sleeps.
 *
 * @module
 */

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { appProgram } from "../apps/app_program.ts";
import { appUnits } from "../apps/app_paths.ts";
import { innerBusybox } from "../apps/app_service.ts";
import { MbctlError } from "../errors.ts";
import { readTextIfPresent } from "../host/files.ts";
import { cgroupOf, isUnsafeVariable } from "../host/namespaces.ts";
import type { ImageConfig } from "../image/config.ts";
import { isExecutableInside } from "../machine/shell.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { enterSandboxed } from "../watch/enter_as.ts";
import { readEntrance, readMachineFile } from "../watch/machine_entry.ts";
import { planExec } from "../watch/plan_exec.ts";
import type { CommandPlan } from "./command_plan.ts";

export interface AppCall {
  readonly server: MachineName;
  /** The machine's process 1, as the host counts it. */
  readonly leader: number;
  readonly app: AppSpec;
  readonly image: ImageConfig;
  /** The command line. */
  readonly words: readonly string[];
  /** Whether it gets a terminal, which is to control it. */
  readonly hasTerminal: boolean;
}

/**
 * Plans a call.
 *
 * @throws {MbctlError} (conflict) when the application does not run, (usage) for a program that it does not have.
 */
export async function planAppCall({
  server,
  leader,
  app,
  image,
  words,
  hasTerminal,
}: AppCall): Promise<CommandPlan> {
  const found = await waitForProcess(appUnits(app.name).service, leader);
  if (found === undefined) {
    throw new MbctlError(
      "conflict",
      `Cannot run a command of "${app.name}" in "${server}": the application does not run`,
      { hint: `mbctl machines exec ${server} -- systemctl status ${appUnits(app.name).service}` },
    );
  }
  const { process, unit } = found;
  const root = `/proc/${process}/root`;
  const files = {
    passwd: readMachineFile(process, "/etc/passwd") ?? "",
    group: readMachineFile(process, "/etc/group") ?? "",
  };
  const isThere = (path: string) => isExecutableInside(root, path);
  const { path, user, environment, workingDirectory } = appProgram(
    app,
    image,
    words,
    files,
    isThere,
  );
  const entrance = readEntrance(process, process);
  const session = hasTerminal && isThere(innerBusybox) ? [innerBusybox, "setsid", "-c"] : [];
  const command = [...session, path, ...words.slice(1)];
  const safe = environment.filter((entry) => !isUnsafeVariable(entry));
  const asRoot = enterSandboxed(entrance, user, workingDirectory, innerBusybox);
  const plan =
    asRoot === undefined
      ? planExec({
          ...{ machine: server, entrance, environment, user, command },
          directory: workingDirectory,
          isUnsafe: isUnsafeVariable,
          busybox: undefined,
          programPath: command[0] ?? "",
        })
      : { argv: [...asRoot, ...command], environment: Object.fromEntries(safe) };
  return {
    ...{ argv: plan.argv, environment: plan.environment, root },
    cgroup: unit,
    owner: entrance.onHost(user),
  };
}

/** For a machine that was started a moment ago, in milliseconds. */
const patienceMs = 10_000;
const lookMs = 50;

/** A service's own process, once it is in its sandbox, and the unit's cgroup. */
async function waitForProcess(
  service: string,
  leader: number,
): Promise<{ readonly process: number; readonly unit: string } | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    // systemd moves itself into a cgroup of its own while it boots.
    const outer = dirname(cgroupOf(leader) ?? "/");
    const unit = join("/sys/fs/cgroup", outer, "system.slice", service);
    const process = findProcess(unit, leader);
    if (process !== undefined && isSandboxed(process, leader)) return { process, unit };
    if (performance.now() >= deadline) return undefined;
    await Bun.sleep(lookMs);
  }
}

/** systemd's child. */
function findProcess(unit: string, leader: number): number | undefined {
  const pids = (readTextIfPresent(join(unit, "cgroup.procs")) ?? "").split("\n").filter(Boolean);
  return pids.map(Number).find((pid) => parentOf(pid) === leader);
}

/** Of systemd 254 and later; before, it is systemd itself that becomes the program. */
const executor = "/usr/lib/systemd/systemd-executor";

/**
 * Whether a process of a unit has become its program. Before that it is systemd's, on its way into the sandbox: with
 * capabilities, or a root, that the application does not have.
 */
function isSandboxed(process: number, leader: number): boolean {
  const [root, rootOfAll, program, systemd, before] = [
    `/proc/${process}/root`,
    `/proc/${leader}/root`,
    `/proc/${process}/exe`,
    `/proc/${leader}/exe`,
    `/proc/${leader}/root${executor}`,
  ].map(fileOf);
  if (root === undefined || program === undefined) return false;
  return root !== rootOfAll && program !== systemd && program !== before;
}

function fileOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    // It has ended, or there is no such file.
    return undefined;
  }
}

function parentOf(pid: number): number | undefined {
  const status = readTextIfPresent(`/proc/${pid}/status`) ?? "";
  const parent = /^PPid:\s*(\d+)$/m.exec(status)?.[1];
  return parent === undefined ? undefined : Number(parent);
}
