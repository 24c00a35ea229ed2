/**
 * Reads what evaluate_system.ts judges.
 *
 * @module
 */

import { readlinkSync, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { MbctlError } from "../errors.ts";
import { findBusybox } from "../host/busybox.ts";
import { nameExists, nearestFolder, readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { tryIdMappedMount } from "../host/libc_mount.ts";
import { hasProgram } from "../host/run.ts";
import { foldersBelow } from "../paths.ts";
import { installable, type SystemFacts, type Trial } from "./host_facts.ts";
import { ask } from "./probe.ts";

/** Reads all facts of this part. */
export async function readSystem(host: Host): Promise<SystemFacts> {
  const folders = foldersBelow(host.root);
  const [systemd, namespaces, nftables, skopeo, busybox] = await Promise.all([
    readSystemdVersion(host),
    tryNamespaces(host, [folders.trees, folders.configurations, folders.storage]),
    tryNftables(host),
    readSkopeo(host),
    readBusybox(host),
  ]);
  const limit = readTextIfPresent("/proc/sys/user/max_user_namespaces");
  return {
    systemd,
    kernel: release(),
    ...namespaces,
    maxUserNamespaces: limit === undefined ? undefined : Number(limit),
    nftables,
    missingPrograms: installable.filter(
      (program) => !toldElsewhere.includes(program) && !hasProgram(program),
    ),
    skopeo,
    busybox,
    space: onEachFileSystem([folders.trees, folders.storage, folders.cache]).map(readSpace),
  };
}

/** As systemctl says it: systemd-nspawn is a package of its own, and may be missing. */
async function readSystemdVersion(host: Host): Promise<number | undefined> {
  // sd_booted(3).
  if (!nameExists("/run/systemd/system")) return undefined;
  const { stdout } = await ask(host, ["systemctl", "--version"]);
  const version = /^systemd (\d+)/.exec(stdout)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** Programs that have a finding of their own. */
const toldElsewhere: readonly string[] = ["nft", "resolvectl", "skopeo", "yggdrasil"];

/** One folder for each file system, the first of those given. */
function onEachFileSystem(folders: readonly string[]): string[] {
  const devices = new Map(
    folders.map((folder) => [statSync(nearestFolder(folder)).dev, folder] as const).reverse(),
  );
  return folders.filter((folder) => [...devices.values()].includes(folder));
}

function readSpace(folder: string): SystemFacts["space"][number] {
  const { bsize, bavail, blocks } = statfsSync(nearestFolder(folder));
  return { folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** How long a child may take to get into a user namespace of its own, in milliseconds. */
const namespaceTimeoutMs = 10_000;

/**
 * Makes a user namespace, and with it an id-mapped mount on each file system: neither the kernel's
 * version nor the file system's name say whether that is allowed here.
 */
async function tryNamespaces(
  host: Host,
  folders: readonly string[],
): Promise<Pick<SystemFacts, "userNamespaces" | "idMapping">> {
  if (!hasProgram("unshare")) return { userNamespaces: undefined, idMapping: [] };
  using child = host.spawn(["unshare", "--user", "--map-root-user", "--", "sleep", "20"]);
  let problem: Trial;
  void child.done().catch((error: unknown) => {
    const { cause } = error as Error;
    problem = cause instanceof Error ? cause.message : String(error);
  });
  const deadline = performance.now() + namespaceTimeoutMs;
  while (!isMapped(child.pid)) {
    if (problem !== undefined) return { userNamespaces: problem, idMapping: [] };
    if (performance.now() > deadline) return { userNamespaces: "no answer", idMapping: [] };
    await Bun.sleep(2);
  }
  const namespace = `/proc/${child.pid}/ns/user`;
  return {
    userNamespaces: undefined,
    idMapping: onEachFileSystem(folders).map((folder) => ({
      folder,
      problem: whyNot(() => tryIdMappedMount(nearestFolder(folder), namespace)),
    })),
  };
}

/** Whether a process is in a user namespace of its own, and both of its mappings are written, users' and groups'. */
function isMapped(pid: number): boolean {
  try {
    const isOwn = readlinkSync(`/proc/${pid}/ns/user`) !== readlinkSync("/proc/self/ns/user");
    const isWritten = (map: string) =>
      (readTextIfPresent(`/proc/${pid}/${map}`) ?? "").trim() !== "";
    return isOwn && isWritten("uid_map") && isWritten("gid_map");
  } catch {
    return false;
  }
}

function whyNot(attempt: () => void): Trial {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What our firewall needs of the kernel, in a table that is checked and never made (nft(8), --check). */
const nftablesTrial = `
table inet mbctl_check {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ip6 saddr 200::/7 fib saddr . iif oif missing drop
  }
}
table bridge mbctl_check {
  chain prerouting {
    type filter hook prerouting priority filter; policy accept;
    ip6 saddr 200::/7 drop
  }
}
`;

async function tryNftables(host: Host): Promise<Trial> {
  if (!hasProgram("nft")) return "not installed";
  const { isDone, stderr } = await ask(host, ["nft", "--check", "--file", "-"], {
    input: nftablesTrial,
  });
  return isDone ? undefined : `rules are refused: ${stderr.split("\n")[0] || "no answer"}`;
}

async function readSkopeo(host: Host): Promise<SystemFacts["skopeo"]> {
  if (!hasProgram("skopeo")) return "missing";
  const { isDone, stdout } = await ask(host, ["skopeo", "--version"]);
  const version = /\d+\.\d+\S*/.exec(stdout)?.[0];
  return isDone && version !== undefined ? { version } : "silent";
}

async function readBusybox(host: Host): Promise<SystemFacts["busybox"]> {
  try {
    return { path: await findBusybox(host) };
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    return { problem: error.message.replace(/^Cannot (find|use) /, ""), hint: error.hint ?? "" };
  }
}
