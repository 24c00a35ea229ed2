/**
 * Makes a system of an image's tree, contained: the image's own package manager runs in a throw-away machine of that tree,
 * with private users, on the machines' bridge and behind its firewall, started by man8s-init. Root of the host runs
 * nothing of the image's. The machine ends with us, however we end; man8s-init is taken out again.
 *
 * @module
 */

import { DEFAULT_PATH } from "../env/split_environment.ts";
import { formatApplicationArgs } from "../env/application_args.ts";
import type { EnvEntry } from "../env/env_entry.ts";
import { formatEnvFile, parseEnvFile } from "../env/env_file.ts";
import { MbctlError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { CommandError } from "../host/run.ts";
import { ENV_FILE_PATH, INIT_DIR, INIT_PATH } from "../init/init_files.ts";
import { installInit } from "../trees/install_init.ts";
import { planInstall, requireBooting } from "./install_plan.ts";
import { readTree } from "./read_tree.ts";
import { applyTreeChange } from "./settle_system.ts";
import { isWholeSystem, systemFacts } from "./system_facts.ts";
import type { SystemInstall } from "./system_settings.ts";
import { remove, write } from "./tree_change.ts";

/** How long the first lease may take, in seconds: nothing can be fetched before. */
const leaseWaitSec = 20;
/** A slow mirror is given this long. */
const installTimeoutMs = 60 * 60_000;

/**
 * Installs what the tree lacks of a system; nothing where it has all.
 *
 * @param tree a staged tree.
 * @throws {MbctlError} (usage) when the image cannot become a system, (host) when systemd of the host does not run, (tool)
 * with what the package manager said, (interrupted) when the user stopped us.
 */
export async function installSystem(
  host: Host,
  tree: string,
  install: SystemInstall,
  {
    signal,
    onLine,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly onLine?: ((text: string) => void) | undefined;
  } = {},
): Promise<void> {
  const facts = systemFacts(readTree(tree));
  const script = planInstall(facts);
  if (script === undefined) return;
  if (!host.isLive) {
    throw new MbctlError(
      "host",
      `Cannot make a system of ${facts.name}: it lacks systemd, and nothing can be installed below --root`,
      { hint: "run the command on the host itself, or use an image that boots" },
    );
  }
  await installInit(host.run, tree, install.busybox);
  applyTreeChange(tree, write(ENV_FILE_PATH, installEnvironment(install.envFile, script), 0o600));
  onLine?.(`${facts.packageManager} installs systemd, in a machine of the image's`);
  try {
    await host.run(installCommand(tree, install), {
      signal,
      onStdoutLine: onLine,
      // What a hostile image says, and how long it takes, must end.
      outputLimitBytes: 16 << 20,
      timeoutMs: installTimeoutMs,
      // The machine's lock is ours; nspawn's own is a file beside the tree, which a kill would leave there.
      env: { SYSTEMD_NSPAWN_LOCK: "0" },
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new MbctlError(
      "tool",
      `Cannot make a system of ${facts.name}: its ${facts.packageManager} failed`,
      { cause: said(error), hint: "see above what it says; -v shows the whole command" },
    );
  }
  for (const path of [INIT_DIR, ENV_FILE_PATH]) applyTreeChange(tree, remove(path));
  const installed = systemFacts(readTree(tree));
  if (isWholeSystem(installed)) return requireBooting(installed);
  throw new MbctlError(
    "tool",
    `Cannot make a system of ${facts.name}: its ${facts.packageManager} was content, and systemd, dbus or logins are missing still`,
    { hint: "use another image, or: mbctl machines create NAME --os DISTRIBUTION:RELEASE" },
  );
}

/** The end of what the package manager said; what man8s-init and systemd-nspawn did, where it never ran. */
function said({ result, cause }: CommandError): unknown {
  const lines = result.stdout.trimEnd().split("\n").slice(-12).join("\n");
  return lines === "" ? cause : new Error(lines);
}

/** Of the environment that the machine would have, its network; for the rest root's. */
export function installEnvironment(envFile: string, script: string): string {
  const network = /^MAN8S_(CONTAINER|NETWORK|YGGDRASIL|ULA|IPV4)_/;
  const own: readonly EnvEntry[] = [
    ["PATH", DEFAULT_PATH],
    ["LC_ALL", "C"],
    ["MAN8S_DHCP_WAIT", String(leaseWaitSec)],
    ["MAN8S_APPLICATION_USER", "0:0"],
    // One stream: what went wrong is at its end.
    ["MAN8S_APPLICATION_ARGS", formatApplicationArgs(["/bin/sh", "-c", `exec 2>&1\n${script}`])],
  ];
  return formatEnvFile([...parseEnvFile(envFile).filter(([name]) => network.test(name)), ...own]);
}

/** The machine: nothing of it is registered, and nothing that is configured for its name counts. */
export function installCommand(tree: string, { name, bridge }: SystemInstall): string[] {
  return [
    ...["systemd-nspawn", "--quiet", `--directory=${tree}`, `--machine=${name}`],
    ...["--settings=no", "--register=no", "--console=pipe", "--as-pid2"],
    ...["--private-users=pick", "--private-users-ownership=map"],
    ...["--network-veth", `--network-bridge=${bridge}`],
    ...["--resolv-conf=copy-stub", "--timezone=off", "--link-journal=no"],
    INIT_PATH,
  ];
}
