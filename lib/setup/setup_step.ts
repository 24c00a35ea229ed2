/**
 * What `host setup` and `host teardown` are going to do, as data: what is shown is what is done.
 *
 * @module
 */

import type { Ipv6Prefix } from "../address/ipv6.ts";
import { quoteWords } from "../env/posix_sh.ts";
import type { HostNetwork } from "../network/host_network.ts";
import type { FileState, SetupRecord } from "./record.ts";

export type SetupStep =
  /** Replaces setup.json; without anything in it the file goes. */
  | { readonly kind: "write-record"; readonly record: SetupRecord }
  /** Writes a file with its mode and owner, making its folders. */
  | { readonly kind: "write-file"; readonly path: string; readonly file: FileState }
  /** Moves a file that is to be kept out of the way. */
  | { readonly kind: "keep-file"; readonly path: string; readonly as: string }
  | { readonly kind: "remove-file"; readonly path: string }
  /** Removes a folder if nothing is in it. */
  | { readonly kind: "remove-folder"; readonly path: string }
  /** Sets one of the kernel's settings, by its path below /proc/sys; one that is not there is passed over. */
  | { readonly kind: "set-kernel"; readonly key: string; readonly value: string }
  | { readonly kind: "run"; readonly words: readonly string[] }
  /** Starts a service, or has a running one read its files again. */
  | { readonly kind: "start"; readonly action: "start" | "restart"; readonly unit: string }
  /** Waits until the bridge has its addresses. */
  | { readonly kind: "wait-for-bridge"; readonly network: HostNetwork }
  /** Waits until yggdrasil answers, with this prefix. */
  | { readonly kind: "wait-for-yggdrasil"; readonly prefix: Ipv6Prefix }
  /** Makes firewall, names and relays of the host. */
  | { readonly kind: "derive-host" }
  /** Takes the firewall out of the kernel and off the disk, and our names out of /etc/hosts. */
  | { readonly kind: "forget-derived"; readonly network: HostNetwork }
  /** Removes tables of nftables that a service left with nothing in them. */
  | { readonly kind: "remove-empty-tables"; readonly tables: readonly string[] };

/** Where a record is kept, as the host sees it. */
export const recordFile = "/var/lib/mbctl/setup.json";

/** One step in words, on one line. */
export function describeSetupStep(step: SetupStep): string {
  const q = (...words: string[]) => quoteWords(words);
  switch (step.kind) {
    case "write-record":
      if (step.record.begun !== undefined) return `note in ${recordFile} what is there now`;
      if (step.record.done !== undefined) return `note in ${recordFile} what was changed`;
      return `remove ${recordFile}`;
    case "write-file":
      return `write ${q(step.path)} (${step.file.mode.toString(8)}, ${Buffer.from(step.file.content, "base64").length} bytes)`;
    case "keep-file":
      return `keep ${q(step.path)}, which was edited, as ${q(step.as)}`;
    case "remove-file":
      return `remove ${q(step.path)}`;
    case "remove-folder":
      return `remove the folder ${q(step.path)} if it is empty`;
    case "set-kernel":
      return `set ${step.key} = ${step.value} in the kernel`;
    case "run":
      return q(...step.words);
    case "start":
      return q("systemctl", step.action, step.unit);
    case "wait-for-bridge":
      return `wait until ${q(step.network.bridge)} has its addresses`;
    case "wait-for-yggdrasil":
      return "wait until yggdrasil answers";
    case "derive-host":
      return "bring firewall, names and relays of the host in line with its machines";
    case "forget-derived":
      return "remove mbctl's firewall, and its names from /etc/hosts";
    case "remove-empty-tables":
      return `remove what is empty of the nftables tables ${step.tables.join(", ")}`;
  }
}
