/**
 * What a host tells of itself, for `address import` on another one.
 *
 * @module
 */

import { stringify } from "smol-toml";
import * as v from "valibot";
import {
  formatIpv6,
  formatPrefix,
  type Ipv6,
  type Ipv6Prefix,
  parsePrefix,
} from "../address/ipv6.ts";
import { parseTrustedHost } from "../address/trusted_host.ts";
import { usageError } from "../errors.ts";
import { isMachineName, type MachineName } from "../spec/machine_name.ts";
import { parseToml } from "../config/toml.ts";
import { describeIssues } from "../config/schema_issues.ts";

export interface HostDocument {
  readonly host: string;
  /** Its yggdrasil public key: 64 hexadecimal digits. Undefined where yggdrasil could not be asked. */
  readonly key?: string | undefined;
  /** Its own address, in 200::/8. */
  readonly address?: Ipv6 | undefined;
  readonly prefix: Ipv6Prefix;
  readonly machines: readonly MachineName[];
}

/** The version of the document; a reader refuses another one. */
const schemaVersion = 1;
/** More names than any host has machines: each becomes a line of /etc/hosts. */
const machineLimit = 4096;

const schema = v.strictObject({
  schema: v.literal(schemaVersion),
  host: v.pipe(v.string(), v.check(isMachineName, "the name of a host")),
  key: v.optional(v.string()),
  address: v.optional(v.string()),
  prefix: v.string(),
  machines: v.array(v.pipe(v.string(), v.check(isMachineName, "the name of a machine"))),
});

/** The document's values as texts, in the order in which they are written. */
export function documentFields({ host, key, address, prefix, machines }: HostDocument) {
  return {
    host,
    ...(key === undefined ? {} : { key }),
    ...(address === undefined ? {} : { address: formatIpv6(address) }),
    prefix: formatPrefix(prefix),
    machines,
  };
}

/** Writes a document as TOML; the inverse of {@linkcode parseHostDocument}. */
export function formatHostDocument(document: HostDocument): string {
  return `# A host and its machines. On a host that is to know them: mbctl address import FILE\n${stringify(
    { schema: schemaVersion, ...documentFields(document) },
  )}`;
}

/**
 * Reads a document: TOML, or what `mbctl address export --json` prints.
 *
 * @param source the file's name, for messages.
 * @throws {MbctlError} (usage) when it is none, or key, address and prefix are not those of one host.
 */
export function parseHostDocument(text: string, source: string): HostDocument {
  const invalid = (state: string) =>
    usageError(
      `Cannot read ${JSON.stringify(source)}: ${state}`,
      "mbctl address export, on the other host, prints such a document",
    );
  const read = v.safeParse(schema, parseEither(text, source, invalid));
  if (!read.success) throw invalid(describeIssues(read.issues));
  const { host, key, address, machines } = read.output;
  if (machines.length > machineLimit) {
    throw invalid(`it names ${machines.length} machines, more than ${machineLimit}`);
  }
  const prefix = parsePrefix(read.output.prefix);
  const wholes = [key, address, read.output.prefix].flatMap((value) =>
    value === undefined ? [] : [parseTrustedHost(host, value)],
  );
  const [whole] = wholes;
  const isOne = wholes.every(
    (other) =>
      other.prefix === prefix && (other.address === undefined || other.address === whole?.address),
  );
  if (!isOne) throw invalid("its key, address and prefix are not those of one host");
  return {
    host,
    ...(key === undefined ? {} : { key: key.toLowerCase() }),
    ...(whole?.address === undefined ? {} : { address: whole.address }),
    prefix,
    machines: machines.filter(isMachineName),
  };
}

function parseEither(text: string, source: string, invalid: (state: string) => Error): unknown {
  if (!text.trimStart().startsWith("{")) return parseToml(text, source);
  try {
    const { schemaVersion: schema, ...rest } = JSON.parse(text);
    return { schema, ...rest };
  } catch (error) {
    throw invalid(`it is no JSON: ${(error as Error).message}`);
  }
}
