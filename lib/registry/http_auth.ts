/**
 * How a registry asks who we are, and what is answered: basic authentication, and
 * bearer tokens (distribution, spec/auth/token), with an account or without.
 *
 * @module
 */

import type { Account } from "./auth_file.ts";
import { BlobFault } from "./blob_fault.ts";

/** One challenge of WWW-Authenticate. The scheme and the names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Reads WWW-Authenticate (RFC 9110, 11.6.1), several headers joined by commas. What
 * is no challenge ends the reading: the challenges before it count.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
  const separator = /[\s,]*/y;
  const scheme = new RegExp(`(${token})(?:[ \\t]+|(?=,)|$)`, "y");
  const parameter = new RegExp(
    `(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))[ \\t]*(?=,|$)`,
    "y",
  );
  const token68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
  let position = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  while (take(separator) && position < header.length) {
    const start = take(scheme);
    if (start === null) break;
    const parameters: Record<string, string> = {};
    challenges.push({ scheme: (start[1] ?? "").toLowerCase(), parameters });
    for (;;) {
      const before = position;
      take(separator);
      const [, name, quoted, plain] = take(parameter) ?? [];
      if (name !== undefined) {
        parameters[name.toLowerCase()] = plain ?? (quoted ?? "").replaceAll(/\\(.)/g, "$1");
        continue;
      }
      // A scheme that is followed by one opaque word: Negotiate, for instance.
      if (Object.keys(parameters).length > 0 || before !== position || !take(token68)) break;
    }
  }
  return challenges;
}

/** What a registry wants to see: nothing, the account itself, or a token for it. */
export type Answer =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly header: string }
  | { readonly kind: "bearer"; readonly url: URL; readonly header: string | undefined };

/**
 * Chooses the answer to the challenges of a registry: the first that is understood, as skopeo does.
 *
 * @param registry where the challenges came from.
 * @param repository the repository that is to be read.
 * @throws {BlobFault} (unusable) for challenges that are better left to skopeo.
 */
export function chooseAnswer(
  challenges: readonly Challenge[],
  registry: URL,
  repository: string,
  account: Account | undefined,
): Answer {
  if (challenges.length === 0) return { kind: "none" };
  const header = account === undefined ? undefined : basicHeader(account);
  for (const { scheme, parameters } of challenges) {
    if (scheme === "basic")
      return header === undefined ? { kind: "none" } : { kind: "basic", header };
    if (scheme !== "bearer") continue;
    const url = URL.canParse(parameters.realm ?? "") ? new URL(parameters.realm ?? "") : undefined;
    if (url === undefined || !mayFollow(registry, url)) {
      throw new BlobFault(
        "unusable",
        "the registry sends to a place for tokens that is no safe one",
      );
    }
    if (account !== undefined) url.searchParams.append("account", account.user);
    if (parameters.service) url.searchParams.append("service", parameters.service);
    url.searchParams.append("scope", `repository:${repository}:pull`);
    return { kind: "bearer", url, header };
  }
  throw new BlobFault("unusable", "the registry asks for a kind of login that is not known");
}

/**
 * Whether a server may send to a URL: by HTTP, never from an encrypted connection to a
 * plain one, never with an account in the URL.
 */
export function mayFollow(from: URL, to: URL): boolean {
  const isHttp = to.protocol === "https:" || (to.protocol === "http:" && from.protocol === "http:");
  return isHttp && to.username === "" && to.password === "";
}

/** A token, and when it ends. */
export interface Token {
  readonly header: string;
  readonly endsAtMs: number;
}

/** Tokens of a shorter life are taken to have this one, as the specification says. */
const shortestLifeSec = 60;

/**
 * Reads the answer of a server of tokens.
 *
 * @throws {BlobFault} (unusable) when there is no token in it. What was in it is not repeated.
 */
export function parseToken(text: string, nowMs: number): Token {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    // Said below.
  }
  const { token, access_token, expires_in } = (answer ?? {}) as Record<string, unknown>;
  const word = token || access_token;
  // RFC 6750's b64token and what registries really send; a line break would be another header.
  if (typeof word !== "string" || !/^[\x21-\x7e]+$/.test(word)) {
    throw new BlobFault("unusable", "the registry's server of tokens gave none");
  }
  const life =
    typeof expires_in === "number" ? Math.max(expires_in, shortestLifeSec) : shortestLifeSec;
  return { header: `Bearer ${word}`, endsAtMs: nowMs + life * 1000 };
}

function basicHeader({ user, password }: Account): string {
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}
