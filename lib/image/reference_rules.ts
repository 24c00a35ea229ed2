/**
 * The grammar of the parts of an image reference (distribution/reference). Each
 * rule answers why a text breaks it, for the message of the parser.
 *
 * @module
 */

import { isIpv6 } from "../address/ipv6.ts";

/** The registry of a reference that names none. No other short names are known. */
const defaultRegistry = "docker.io";

/**
 * Splits the name of a reference into registry and repository. The first component is a registry when it could not be part of a repository:
 * it has a dot, a colon or upper case, or is "localhost".
 */
export function splitName(name: string): {
  registry: string;
  repository: string;
} {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isRegistry = slash > 0 && (/[.:A-Z[]/.test(first) || first === "localhost");
  const registry = isRegistry ? first : defaultRegistry;
  const repository = isRegistry ? name.slice(slash + 1) : name;
  if (registry !== defaultRegistry && registry !== "index.docker.io")
    return { registry, repository };
  return {
    registry: defaultRegistry,
    repository: repository.includes("/") ? repository : `library/${repository}`,
  };
}

/** Why a text is no registry (host and port), or undefined when it is one. */
export function whyNoRegistry(registry: string): string | undefined {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(registry);
  const [, host, port] = match ?? [];
  if (host === undefined) return `${JSON.stringify(registry)} is no registry`;
  if (port !== undefined && !isPort(port)) return `${JSON.stringify(port)} is no port`;
  if (host.startsWith("[")) {
    // Without the IPv4 part that an address may end with.
    return isIpv6(host.slice(1, -1)) && !host.includes(".")
      ? undefined
      : `${JSON.stringify(host)} is no IPv6 address`;
  }
  // RFC 1123 host name: letters, digits and inner dashes between dots.
  for (const label of host.split(".")) {
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(label)) {
      return `${JSON.stringify(host)} is no host name`;
    }
  }
  return undefined;
}

/** Why a text is no repository in full, or undefined when it is one. */
export function whyNoRepository(repository: string): string | undefined {
  if (repository === "" || repository === "library/") return "the repository is empty";
  if (repository.length > 255) {
    return `the repository has ${repository.length} characters, more than 255`;
  }
  if (/^library\/[0-9a-f]{64}$/.test(repository)) {
    return "64 hexadecimal digits are an image's ID, not its name";
  }
  for (const part of repository.split("/")) {
    if (part === "") return 'the repository has an empty part beside a "/"';
    if (/[A-Z]/.test(part)) return "the repository has upper-case letters";
    const bad = /[^a-z0-9._-]/u.exec(part);
    if (bad) return `the repository has ${JSON.stringify(bad[0])}, which is not allowed in it`;
    if (!/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part)) {
      return `${JSON.stringify(part)} has a separator at its edge or two that differ in a row`;
    }
  }
  return undefined;
}

/** Why a text is no tag, or undefined when it is one. */
export function whyNoTag(tag: string): string | undefined {
  if (tag.length > 128) return `the tag has ${tag.length} characters, more than 128`;
  const bad = /[^A-Za-z0-9_.:-]/u.exec(tag);
  if (bad) return `the tag has ${JSON.stringify(bad[0])}, which is not allowed in it`;
  if (tag.includes(":")) return "it has two tags";
  if (/^[.-]/.test(tag)) return `the tag begins with ${JSON.stringify(tag[0])}`;
  return undefined;
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}
