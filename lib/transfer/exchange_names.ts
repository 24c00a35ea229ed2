/**
 * Tells two hosts that trust each other of the machines that they have now.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { readTextIfPresent } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { readHostIdentity } from "../host/yggdrasil.ts";
import { applySteps } from "../steps/apply.ts";
import { readHostState } from "../machine/derive.ts";
import { waitForConfigLock } from "../machine/lock.ts";
import { foldersBelow } from "../paths.ts";
import { formatHostDocument, parseHostDocument } from "../names/host_document.ts";
import { bridgeMachines } from "../names/known_names.ts";
import { planImport } from "../names/plan_import.ts";
import type { RemoteHost } from "./remote_host.ts";

/**
 * Takes over the other host's names and gives it ours, each where the other is trusted already.
 *
 * @param say told of a side that does not trust the other: nothing is changed there.
 */
export async function exchangeNames(
  host: Host,
  remote: RemoteHost,
  say: (text: string) => void,
): Promise<void> {
  const unlessDistrusted = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
      say(`${what}: ${error.message}`);
    }
  };
  await unlessDistrusted(`names of ${remote.name} are not known here`, async () => {
    const text = await remote.run(["mbctl", "address", "export"]);
    await importNames(host, text, remote.name);
  });
  await unlessDistrusted(`names of this host are not known on ${remote.name}`, async () => {
    await remote.run(["mbctl", "address", "import", "-"], await exportNames(host));
  });
}

async function importNames(host: Host, text: string, from: string): Promise<void> {
  const document = parseHostDocument(text, `ssh ${from}`);
  const { root, config } = host;
  using _lock = await waitForConfigLock(root, {});
  const { hostName, network, machines } = await readHostState(host);
  const { steps } = planImport(
    {
      ...{ root, config, hostName, prefix: network.prefix },
      configText: readTextIfPresent(foldersBelow(root).hostConfiguration) ?? "",
      machines: machines.map(({ spec }) => spec.name),
    },
    document,
    false,
  );
  await applySteps(steps, { host });
}

async function exportNames(host: Host): Promise<string> {
  const state = await readHostState(host);
  return formatHostDocument({
    host: state.hostName,
    ...(await readHostIdentity(host)),
    machines: bridgeMachines(state),
  });
}
