/**
 * A machine on the other host, which is driven by its own verbs: received, started, or cleared away again.
 *
 * @module
 */

import { readPresentMachine } from "../change/present_machine.ts";
import { MbctlError } from "../errors.ts";
import { hasHealthCheck } from "../health/read_health.ts";
import type { Host } from "../host/host.ts";
import { readUnitStates } from "../host/systemd.ts";
import { parseDigest, unknownDigest } from "../image/digest.ts";
import { formatImageRef, parseImageRef, pinned } from "../image/reference.ts";
import { machinePaths } from "../paths.ts";
import { formatPublishedPort, type PublishedPort } from "../network/published_port.ts";
import { listKeys, readSecret } from "../secrets/secret_store.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { RemoteHost } from "./remote_host.ts";

/**
 * What makes it there of an archive.
 *
 * @param publish ports there in the place of its own; none: the same.
 */
export function receiveWords(
  name: MachineName,
  newName: MachineName,
  publish: readonly PublishedPort[],
): string[] {
  const ports = publish.flatMap((port) => ["--publish", formatPublishedPort(port)]);
  // The one that moves stays itself.
  const identity = name === newName ? [] : ["--keep-identity"];
  return ["mbctl", "machines", "import", "-", "--name", newName, ...identity, ...ports];
}

/**
 * Has its image fetched there before it is stopped.
 *
 * @returns false where it cannot be: its root tree is then sent.
 */
export async function fetchThere(
  host: Host,
  remote: RemoteHost,
  name: MachineName,
  say: (text: string) => void,
): Promise<boolean> {
  const { reference, digest } = readPresentMachine(host, name).spec.image;
  const ref = parseImageRef(reference);
  if (ref.transport !== "docker" || digest === unknownDigest) return false;
  say(`fetching ${reference} there`);
  const image = formatImageRef(pinned(ref, parseDigest(digest)));
  try {
    await remote.run(["mbctl", "oci", "pull", image, "--pull", "missing"]);
    return true;
  } catch (error) {
    if (!(error instanceof MbctlError) || error.kind === "interrupted") throw error;
    say(`${remote.name} cannot have it from a registry: the root tree is sent`);
    return false;
  }
}

/** Each is decrypted here and encrypted there; between the two it is in a pipe and in ssh. */
export async function giveSecrets(
  host: Host,
  remote: RemoteHost,
  name: MachineName,
  newName: MachineName,
): Promise<void> {
  for (const key of listKeys(host, name)) {
    const value = Buffer.from(await readSecret(host, name, key));
    await remote.run(["mbctl", "secrets", "set", newName, key], value);
  }
}

/**
 * Starts it there.
 *
 * @throws {MbctlError} (failed) when it is not well within two minutes.
 */
export async function startThere(
  host: Host,
  remote: RemoteHost,
  name: MachineName,
  newName: MachineName,
  say: (text: string) => void,
): Promise<void> {
  say(`starting "${newName}" on ${remote.name}`);
  await remote.run(["mbctl", "machines", "start", newName]);
  const condition = hasHealthCheck(host.root, name) ? "healthy" : "running";
  const words = ["mbctl", "machines", "wait", newName, "--condition", condition];
  await remote.run([...words, "--timeout", "2m"]);
}

/** Has it start with that host, where it starts with this one. */
export async function enableThere(
  host: Host,
  remote: RemoteHost,
  name: MachineName,
  newName: MachineName,
): Promise<void> {
  const unit = (await readUnitStates(host.run, [name])).get(name);
  if (unit?.isEnabled === true) await remote.run(["mbctl", "machines", "enable", newName]);
}

/** A host that does not answer any more is no error, but told. What is not ours there is left alone. */
export async function clearThere(
  remote: RemoteHost,
  newName: MachineName,
  isThere: boolean,
  say: (text: string) => void,
): Promise<void> {
  const { stagedStorage } = machinePaths("/", newName);
  const remove = ["mbctl", "machines", "remove", newName, "--stop", "--yes"];
  for (const words of [...(isThere ? [remove] : []), ["rm", "-rf", "--", stagedStorage]]) {
    try {
      await remote.run(words);
    } catch (error) {
      if (!(error instanceof MbctlError)) throw error;
      if (words === remove) say(`it may run there too: on ${remote.name}, ${words.join(" ")}`);
    }
  }
}
