/**
 * One request by HTTP, for blobs and what leads to them: redirections are followed
 * under rules, failures are said in our words. No message has a URL in it, which
 * may hold a signature, and none an account.
 *
 * @module
 */

import { mayFollow } from "./http_auth.ts";
import { BlobFault } from "./blob_fault.ts";
import { parseRetryAfter } from "./retry_delay.ts";

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** For the first server alone, and for no other origin. */
  readonly authorization?: string | undefined;
  readonly tlsVerify: boolean;
  /** The certificates to trust, as PEM. */
  readonly authorities?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, with the bytes of its body as they were sent. */
export interface Answered {
  readonly response: Response;
  /** Who answered: `registry "example.com"`, for messages. */
  readonly who: string;
  /** Whether another server than the one that was asked gave it. */
  readonly isElsewhere: boolean;
}

/** More redirections than these are a loop. Registries send once, to where their blobs are. */
const mostRedirections = 5;

/**
 * Sends a GET and follows redirections.
 *
 * @throws {BlobFault} when there is no answer. Every answer but a redirection is returned.
 */
export async function request(url: URL, options: RequestOptions): Promise<Answered> {
  let target = url;
  let isElsewhere = false;
  for (let count = 0; ; count++) {
    const who = isElsewhere
      ? `the server ${JSON.stringify(target.host)}, to which the registry sends,`
      : `the registry ${JSON.stringify(target.host)}`;
    const response = await send(target, options, !isElsewhere, who);
    const location = response.headers.get("Location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) {
      return { response, who, isElsewhere };
    }
    await discard(response);
    if (count >= mostRedirections)
      throw new BlobFault("unusable", `${who} sends around in circles`);
    const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined;
    if (next === undefined || !mayFollow(target, next)) {
      throw new BlobFault("unusable", `${who} sends to a place that is no safe one`);
    }
    // Once elsewhere, always elsewhere: the way back is no proof of anything.
    if (next.origin !== url.origin) isElsewhere = true;
    target = next;
  }
}

async function send(
  url: URL,
  { headers, authorization, tlsVerify, authorities, signal }: RequestOptions,
  isTrusted: boolean,
  who: string,
): Promise<Response> {
  try {
    return await fetch(url, {
      headers: {
        ...headers,
        ...(isTrusted && authorization !== undefined ? { Authorization: authorization } : {}),
        // A blob is what it is: compressed on the way, its digest would be another.
        "Accept-Encoding": "identity",
        "User-Agent": "mbctl",
      },
      redirect: "manual",
      decompress: false,
      // Said explicitly: variables of the environment would turn on the first, and the second off.
      verbose: false,
      tls: {
        rejectUnauthorized: tlsVerify,
        ...(authorities === undefined ? {} : { ca: authorities }),
      },
      ...{ timeout: false },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throw connectionFault(error, who);
  }
}

/** Failures that may be gone at the next try, by the names that Bun and Node give them. */
const passing: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection",
  ConnectionRefused: "refused the connection",
  ECONNRESET: "closed the connection",
  ConnectionClosed: "closed the connection",
  ECONNABORTED: "closed the connection",
  EPIPE: "closed the connection",
  ETIMEDOUT: "did not answer",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  ENETDOWN: "cannot be reached",
  ENOTFOUND: "has a name that is not known",
  EAI_AGAIN: "has a name that cannot be looked up now",
};

/** The fault for a connection that failed, before the answer or in it. */
export function connectionFault(error: unknown, who: string): BlobFault {
  if (error instanceof BlobFault) return error;
  const { code, name } = error as { code?: unknown; name?: unknown };
  // Its message may hold the URL: the code says enough.
  const word = typeof code === "string" && /^\w+$/.test(code) ? code : String(name);
  const cause = new Error(word);
  const state = passing[word];
  return state === undefined
    ? new BlobFault("unusable", `${who} cannot be talked to (${word})`, { cause })
    : new BlobFault("broken", `${who} ${state}`, { cause });
}

/** The fault for an answer that is not the one that was wanted. `registry` is its name, for the hint. */
export async function answerFault(
  { response, who, isElsewhere }: Answered,
  registry: string,
): Promise<BlobFault> {
  await discard(response);
  const { status } = response;
  const state = `${who} answered ${status}`;
  const isBusy = status === 429 || status === 408 || status === 425 || status >= 500;
  if (!isBusy) {
    // A place that the registry gave may have expired: the registry gives a new one.
    return new BlobFault(isElsewhere ? "broken" : "unusable", state);
  }
  const retryAfterMs = parseRetryAfter(response.headers.get("Retry-After"), Date.now());
  return new BlobFault("busy", state, {
    hint: status === 429 ? `wait, or log in: skopeo login ${registry}` : undefined,
    retryAfterMs,
  });
}

/** Reads a small answer as text. @throws {BlobFault} when it is not small, or the connection fails. */
export async function readSmall({ response, who }: Answered, mostBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > mostBytes) throw new BlobFault("unusable", `${who} answered too much`);
      parts.push(part);
    }
  } catch (error) {
    throw connectionFault(error, who);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** Ends an answer whose body nobody wants. */
export async function discard(response: Response): Promise<void> {
  // It may be broken already, which is all the same now.
  await response.body?.cancel().catch(() => {});
}
