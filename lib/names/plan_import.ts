/**
 * What makes another host known here: its machines' names, and with them its key if it is to be trusted.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { formatIpv6, formatPrefix, type Ipv6Prefix } from "../address/ipv6.ts";
import type { TrustedHost } from "../address/trusted_host.ts";
import { MbctlError, usageError } from "../errors.ts";
import type { HostDocument } from "./host_document.ts";
import { findHost } from "./qualified_name.ts";
import { setConfigValue } from "../config/edit_config.ts";
import { type HostConfig, parseHostConfig } from "../config/host_config.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { foldersBelow } from "../paths.ts";
import type { Step } from "../steps/step.ts";

/** What an import has to know of this host. */
export interface ImportFacts {
  readonly root: string;
  readonly config: HostConfig;
  /** The text of config.toml; empty without one. */
  readonly configText: string;
  readonly hostName: string;
  readonly prefix: Ipv6Prefix;
  /** This host's own. */
  readonly machines: readonly MachineName[];
}

export interface HostImport {
  /** What this host calls the other one. */
  readonly name: string;
  /** What becomes of its trust: "known" already, "added", or "replaced": it had another key. */
  readonly trust: "known" | "added" | "replaced";
  readonly steps: readonly Step[];
}

/**
 * Plans the import of a document. A host that config.toml knows goes by the name that it has there,
 * whatever it calls itself.
 *
 * @param trust whether a host that is not known, or has another key than before, is to be written to config.toml.
 * @param asked the host that was asked for the document, as it was named; undefined for a file.
 * @throws {MbctlError} (usage) for this host's own document or name, and for a name that would be another's in
 * resolvers; (conflict) for a host that is not trusted, or takes another's place.
 */
export function planImport(
  facts: ImportFacts,
  document: HostDocument,
  trust: boolean,
  asked?: string,
): HostImport {
  const { config, root, configText } = facts;
  if (document.prefix === facts.prefix) {
    throw usageError(
      `Cannot import the host "${document.host}": it is this host`,
      "run mbctl address import on the other host",
    );
  }
  const value =
    document.key ??
    (document.address ? formatIpv6(document.address) : formatPrefix(document.prefix));
  const { name, state } = knownAs(facts, document);
  if (state !== "known" && !trust) throw distrust(name, value, findHost(config.hosts, name));
  // A host that is trusted for the first time must not take the place of one that is trusted already.
  if (state === "replaced" && asked !== undefined && !isNamed(asked, name)) {
    throw new MbctlError(
      "conflict",
      `Cannot import from ${JSON.stringify(asked)}: it calls itself "${name}", and has another key than config.toml names for that host`,
      { hint: `if both are one host: mbctl address import --ssh ${name} --trust` },
    );
  }
  const folders = foldersBelow(root);
  const steps: Step[] = [
    { kind: "make-directory", path: folders.importedNames, mode: 0o755 },
    {
      kind: "write-file",
      path: join(folders.importedNames, name),
      text: document.machines.map((machine) => `${machine}\n`).join(""),
      mode: 0o644,
    },
  ];
  if (state !== "known") {
    const file = folders.hostConfiguration;
    const text = setConfigValue(configText, name, value, "hosts");
    // Says now what would be wrong with it, and not at the next command.
    parseHostConfig(text, file);
    steps.push(
      { kind: "make-directory", path: dirname(file), mode: 0o755 },
      { kind: "write-file", path: file, text, mode: 0o644 },
    );
  }
  return { name, trust: state, steps: [...steps, { kind: "derive-host" }] };
}

/** By its key first: the administrator may have given it a name of his own. */
function knownAs(
  { config, hostName, machines }: ImportFacts,
  { host, address, prefix }: HostDocument,
): { readonly name: string; readonly state: HostImport["trust"] } {
  const isSame = (known: TrustedHost) =>
    known.prefix === prefix &&
    (known.address === undefined || address === undefined || known.address === address);
  const known = config.hosts.find(isSame);
  if (known !== undefined) return { name: known.name, state: "known" };
  if (host.toLowerCase() === hostName.toLowerCase()) {
    throw usageError(
      `Cannot import the host "${host}": this host has the same name, and another key`,
      "give one of them another name: hostnamectl hostname NAME",
    );
  }
  if (machines.some((machine) => machine.toLowerCase() === host.toLowerCase())) {
    throw usageError(
      `Cannot import the host "${host}": a machine of this host has the same name`,
      "write its key to [hosts] of /etc/mbctl/config.toml under another name, then import it again",
    );
  }
  // Its name will resolve here and in all machines: "github.com" must not lead to it, nor "web.hostc".
  if (host.includes(".")) {
    throw usageError(
      `Cannot import the host "${host}": a host whose name has a "." would have the names of others`,
      "write its key to [hosts] of /etc/mbctl/config.toml under a name without one, then import it again",
    );
  }
  const before = findHost(config.hosts, host);
  return before === undefined
    ? { name: host, state: "added" }
    : { name: before.name, state: "replaced" };
}

/** Whether a host was asked under its own name: `hostb`, `hostb.lan`. */
function isNamed(asked: string, name: string): boolean {
  const [lower, own] = [asked.toLowerCase(), name.toLowerCase()];
  return lower === own || lower.startsWith(`${own}.`);
}

function distrust(name: string, value: string, before: TrustedHost | undefined): MbctlError {
  if (before === undefined) {
    return new MbctlError(
      "conflict",
      `Cannot import the host "${name}": config.toml does not name it`,
      {
        hint: `if ${value} is the key that it shows itself, add --trust: its machines may then connect to those of this host`,
      },
    );
  }
  return new MbctlError(
    "conflict",
    `Cannot import the host "${name}": IT HAS ANOTHER KEY than config.toml names, ${value}: it was set up anew, or somebody else calls himself so`,
    { hint: `ask its administrator; if the key is right, add --trust, which replaces the old one` },
  );
}
