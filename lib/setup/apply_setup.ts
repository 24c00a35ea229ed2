/**
 * Carries the steps of a set-up out. It decides nothing.
 *
 * @module
 */

import { existsSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatPrefix } from "../address/ipv6.ts";
import { MbctlError } from "../errors.ts";
import { firewallPaths, firewallUnit } from "../firewall/firewall_files.ts";
import { unloadFirewall } from "../firewall/load_firewall.ts";
import {
  isErrno,
  makeDirectory,
  moveName,
  readTextIfPresent,
  removeFile,
  writeFileDurably,
} from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { hasProgram, interrupted } from "../host/run.ts";
import { prefixFromGetself } from "../host/yggdrasil.ts";
import { deriveHost } from "../machine/derive.ts";
import { parseHostConfig } from "../config/host_config.ts";
import { writeHostsFile } from "../names/hosts_file.ts";
import { foldersBelow } from "../paths.ts";
import { gatewayIpv4, gatewayIpv6, type HostNetwork } from "../network/host_network.ts";
import { writeFileState } from "./file_state.ts";
import { readTables } from "./host_facts.ts";
import { parseInterfaces } from "./networks_in_use.ts";
import { formatRecord, type SetupRecord } from "./record.ts";
import { describeSetupStep, recordFile, type SetupStep } from "./setup_step.ts";

export interface ApplyOptions {
  /** Told each step before it begins. */
  readonly onStep?: ((description: string) => void) | undefined;
  /** Looked at before each step. */
  readonly signal?: AbortSignal | undefined;
}

/** Longest wait for a bridge, and for yggdrasil. */
const waitMs = 30_000;
const commandTimeoutMs = 90_000;
/** Longest wait for a table of nftables that somebody may still use. */
const emptyMs = 2000;

/**
 * Carries the steps out, one after the other, and stops at the first that fails.
 *
 * @throws {MbctlError} naming the step.
 */
export async function applySetup(
  host: Host,
  steps: readonly SetupStep[],
  { onStep, signal }: ApplyOptions,
): Promise<void> {
  for (const step of steps) {
    // Most steps wait for nothing: without a turn of the event loop nobody would hear Ctrl-C.
    await new Promise(setImmediate);
    if (signal?.aborted) throw interrupted();
    const description = describeSetupStep(step);
    onStep?.(description);
    try {
      await applyStep(host, step);
    } catch (error) {
      if (signal?.aborted) throw interrupted();
      if (error instanceof MbctlError && error.kind === "interrupted") throw error;
      const hint = error instanceof MbctlError ? error.hint : undefined;
      const kind = error instanceof MbctlError ? error.kind : "host";
      const isKnown = error instanceof MbctlError || (error instanceof Error && "code" in error);
      if (!isKnown) throw error;
      const isCommand = step.kind === "run" || step.kind === "start";
      const work = isCommand ? `run ${JSON.stringify(description)}` : description;
      throw new MbctlError(kind, `Cannot ${work}: it failed`, { cause: error, hint });
    }
  }
}

async function applyStep(host: Host, step: SetupStep): Promise<void> {
  const below = (path: string) => join(host.root, path);
  switch (step.kind) {
    case "write-record":
      return writeRecord(below(recordFile), step.record);
    case "write-file":
      makeDirectory(dirname(below(step.path)), 0o755);
      return writeFileState(below(step.path), step.file);
    case "keep-file":
      return moveName(below(step.path), below(step.as));
    case "remove-file":
      return removeFile(below(step.path));
    case "remove-folder":
      return removeFolder(below(step.path));
    case "set-kernel":
      return setKernel(below(join("/proc/sys", step.key)), step.value);
    case "run":
      return void (await host.run(step.words, { timeoutMs: commandTimeoutMs }));
    case "start":
      return await startUnit(host, step.action, step.unit);
    case "wait-for-bridge":
      return await waitForBridge(host, step.network);
    case "wait-for-yggdrasil":
      return await waitForYggdrasil(host, formatPrefix(step.prefix));
    case "derive-host":
      return await deriveHost(withNewConfig(host));
    case "forget-derived":
      return await forgetDerived(host, step.network);
    case "remove-empty-tables":
      return await removeEmptyTables(host, step.tables);
  }
}

async function startUnit(host: Host, action: string, unit: string): Promise<void> {
  // The limit of five starts in ten seconds is not meant for a person who tries things out. A unit
  // that was never loaded has nothing to reset: exit code 1.
  await host.run(["systemctl", "reset-failed", unit], {
    allowExitCodes: [0, 1],
    timeoutMs: commandTimeoutMs,
  });
  await host.run(["systemctl", action, unit], { timeoutMs: commandTimeoutMs });
}

function writeRecord(path: string, record: SetupRecord): void {
  if (record.begun === undefined && record.done === undefined) {
    removeFile(path);
  } else {
    makeDirectory(dirname(path), 0o755);
    // What was in a file that only root may read stands in it.
    writeFileDurably(path, formatRecord(record), 0o600);
  }
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY")) throw error;
  }
}

function setKernel(path: string, value: string): void {
  // An interface may have gone, and its settings with it. No staging: this is no file.
  if (existsSync(path)) writeFileSync(path, `${value}\n`);
}

/** The host with config.toml as it is now: a set-up changes it. */
export function withNewConfig(host: Host): Host {
  const file = foldersBelow(host.root).hostConfiguration;
  return { ...host, config: parseHostConfig(readTextIfPresent(file), file) };
}

/** Whether a bridge has the addresses of the host in its networks. */
export async function isBridgeUp(host: Host, network: HostNetwork): Promise<boolean> {
  const { stdout } = await host.run(
    ["ip", "-json", "-details", "address", "show", "dev", network.bridge],
    { allowExitCodes: [0, 1], timeoutMs: 10_000 },
  );
  const [bridge] = parseInterfaces(stdout.trim());
  const wanted: readonly (bigint | number)[] = [
    gatewayIpv6(network.prefix),
    gatewayIpv6(network.ula),
    gatewayIpv4(network.ipv4),
  ];
  return wanted.every((address) => bridge?.addresses.some((found) => found.address === address));
}

async function waitForBridge(host: Host, network: HostNetwork): Promise<void> {
  await waitUntil(
    () => isBridgeUp(host, network),
    `the bridge ${network.bridge} has not got its addresses`,
    `networkctl status ${network.bridge}, and the journal of the service that manages it`,
  );
}

async function waitForYggdrasil(host: Host, prefix: string): Promise<void> {
  let said = "";
  await waitUntil(
    async () => {
      if (!hasProgram("yggdrasilctl")) return true;
      const { stdout } = await host.run(["yggdrasilctl", "-json", "getself"], {
        allowExitCodes: [0, 1, 2],
        timeoutMs: 5000,
      });
      const found = prefixFromGetself(stdout);
      said = found === undefined ? "does not answer" : `answers with ${formatPrefix(found)}`;
      return found !== undefined && formatPrefix(found) === prefix;
    },
    `yggdrasil does not answer with ${prefix}`,
    `journalctl -u yggdrasil -n 20; a running one may still have another key: systemctl restart yggdrasil`,
  ).catch((error: unknown) => {
    throw error instanceof MbctlError && said !== ""
      ? new MbctlError(error.kind, `${error.message}: it ${said}`, { hint: error.hint })
      : error;
  });
}

async function waitUntil(
  condition: () => Promise<boolean>,
  state: string,
  hint: string,
): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new MbctlError("host", `Cannot go on: after ${waitMs / 1000} s ${state}`, { hint });
    }
    await Bun.sleep(100);
  }
}

async function forgetDerived(host: Host, network: HostNetwork): Promise<void> {
  const below = (path: string) => join(host.root, path);
  if (existsSync(below(`/etc/systemd/system/${firewallUnit}`))) {
    await host.run(["systemctl", "stop", firewallUnit], { timeoutMs: commandTimeoutMs });
  }
  for (const path of firewallPaths) {
    if (path.endsWith(".d")) removeFolder(below(path));
    else removeFile(below(path));
  }
  await host.run(["systemctl", "daemon-reload"], { timeoutMs: commandTimeoutMs });
  await unloadFirewall(host);
  const nothing = { trusted: [], machines: [], imported: new Map() };
  writeHostsFile(host.root, { hostName: host.name, network, domain: "", ...nothing });
}

/** A table is in the way of nobody, but a host without a bridge is to look as it did. */
async function removeEmptyTables(host: Host, tables: readonly string[]): Promise<void> {
  const present = await readTables(host);
  for (const table of tables.filter((name) => present.includes(name))) {
    // systemd-networkd takes out what it has put in, in its own time; what others have in it stays.
    const deadline = performance.now() + emptyMs;
    while (!(await isEmptyTable(host, table)) && performance.now() < deadline) await Bun.sleep(50);
    if (await isEmptyTable(host, table)) {
      await host.run(["nft", "delete", "table", ...table.split(" ")]);
    }
  }
}

/** Whether there is nothing in the sets and maps of a table. */
async function isEmptyTable(host: Host, table: string): Promise<boolean> {
  const { stdout } = await host.run(["nft", "-j", "list", "table", ...table.split(" ")]);
  const { nftables = [] } = JSON.parse(stdout) as {
    nftables?: readonly Readonly<Record<string, { readonly elem?: readonly unknown[] }>>[];
  };
  return nftables.every(({ set, map }) =>
    [set, map].every((entry) => (entry?.elem ?? []).length === 0),
  );
}
