/**
 * Blobs of a registry by HTTP (OCI distribution-spec, "Pulling blobs"): faster than
 * through skopeo, and able to resume. Only where access is plain
 * ({@linkcode "plain_access.ts"}), and only after skopeo has opened the image: the
 * digests are those of a manifest that it has accepted.
 *
 * @module
 */

import type { BlobId, BlobSource, BlobStream } from "../image/blob_source.ts";
import type { RegistryRef } from "../image/reference.ts";
import { BlobFault } from "./blob_fault.ts";
import {
  type Challenge,
  chooseAnswer,
  parseChallenges,
  parseToken,
  type Token,
} from "./http_auth.ts";
import {
  type Answered,
  answerFault,
  connectionFault,
  discard,
  readSmall,
  request,
  type RequestOptions,
} from "./http_request.ts";
import type { PlainAccess } from "./plain_access.ts";

export interface HttpBlobsOptions {
  /** Ends everything, also what several blobs share. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for what comes before the first blob: the greeting and a token. */
  readonly greetingMs?: number;
}

/** The blobs of one repository. */
export interface HttpBlobs extends BlobSource {
  /** Greets the registry and gets a token, while something else is still to be done. Never fails. */
  prepare(): Promise<void>;
}

/** How a registry is to be talked to: what it said when it was greeted. */
interface Greeting {
  readonly base: URL;
  readonly challenges: readonly Challenge[];
}

/** No token and no answer to a greeting is longer. */
const mostBytes = 1 << 20;

/** The registry behind a name: Docker's has another one. */
function serverOf(registry: string): string {
  return registry === "docker.io" ? "registry-1.docker.io" : registry;
}

/** Makes the source. Nothing is sent before the first use. */
export function httpBlobs(
  ref: RegistryRef,
  access: PlainAccess,
  { signal, greetingMs = 30_000 }: HttpBlobsOptions = {},
): HttpBlobs {
  const { account, tlsVerify, authorities } = access;
  const common = { tlsVerify, authorities };
  let greeting: Promise<Greeting> | undefined;
  let authorization: Promise<Token | undefined> | undefined;

  /** A request that belongs to no blob: it has a bound of its own, and ends with no blob. */
  async function ask(url: URL, more: Partial<RequestOptions> = {}): Promise<Answered> {
    const bound = AbortSignal.timeout(greetingMs);
    try {
      return await request(url, {
        ...common,
        ...more,
        signal: signal === undefined ? bound : AbortSignal.any([bound, signal]),
      });
    } catch (error) {
      if (!bound.aborted) throw error;
      throw new BlobFault("broken", `the registry ${JSON.stringify(url.host)} did not answer`);
    }
  }

  async function greet(scheme: "http" | "https"): Promise<Greeting> {
    const base = new URL(`${scheme}://${serverOf(ref.registry)}/`);
    const answered = await ask(new URL("/v2/", base));
    const { status, headers } = answered.response;
    if (status !== 200 && status !== 401) throw await answerFault(answered, ref.registry);
    if (answered.isElsewhere) {
      await discard(answered.response);
      throw new BlobFault("unusable", `${answered.who} answers in the place of the registry`);
    }
    // To its end, so that the connection serves again.
    await readSmall(answered, mostBytes);
    return { base, challenges: parseChallenges(headers.get("WWW-Authenticate") ?? "") };
  }

  /** As skopeo: plain HTTP is tried where certificates do not matter and HTTPS fails. */
  async function greetEither(): Promise<Greeting> {
    try {
      return await greet("https");
    } catch (error) {
      if (tlsVerify || signal?.aborted) throw error;
      return await greet("http");
    }
  }

  async function authorize({ base, challenges }: Greeting): Promise<Token | undefined> {
    const answer = chooseAnswer(challenges, base, ref.repository, account);
    if (answer.kind === "none") return undefined;
    if (answer.kind === "basic")
      return { header: answer.header, endsAtMs: Number.POSITIVE_INFINITY };
    const answered = await ask(answer.url, { authorization: answer.header });
    if (answered.response.status !== 200) {
      const fault = await answerFault({ ...answered, isElsewhere: false }, ref.registry);
      throw new BlobFault(
        fault.verdict,
        fault.message.replace(/^the registry/, "the token server"),
        fault,
      );
    }
    return parseToken(await readSmall(answered, mostBytes), Date.now());
  }

  /** What has worked serves all; what has failed may be asked anew, by the next blob or try. */
  function greeted(): Promise<Greeting> {
    if (greeting === undefined) {
      const mine = greetEither();
      greeting = mine;
      mine.catch(() => {
        if (greeting === mine) greeting = undefined;
      });
    }
    return greeting;
  }

  /** The header for a request; another one than `refused`, where there can be another. */
  async function authorized(known: Greeting, refused?: string): Promise<string | undefined> {
    const before = authorization;
    const token = await before?.catch(() => undefined);
    const serves = token !== undefined && token.endsAtMs > Date.now() && token.header !== refused;
    // Of several blobs that wait here, the first gets a token for all.
    if (!serves && authorization === before) authorization = authorize(known);
    return (await authorization)?.header;
  }

  async function get(
    { digest }: BlobId,
    headers: Readonly<Record<string, string>>,
    blobSignal: AbortSignal | undefined,
  ): Promise<Answered> {
    const known = await greeted();
    const url = new URL(`/v2/${ref.repository}/blobs/${digest}`, known.base);
    const once = (header: string | undefined) =>
      request(url, { ...common, headers, authorization: header, signal: blobSignal });
    const header = await authorized(known);
    const first = await once(header);
    if (first.response.status !== 401 || first.isElsewhere || header === undefined) return first;
    // A token whose time has come.
    await discard(first.response);
    return await once(await authorized(known, header));
  }

  async function open(blob: BlobId, offset: number, blobSignal?: AbortSignal): Promise<BlobStream> {
    const both = [blobSignal, signal].filter((one) => one !== undefined);
    const ends = both.length > 1 ? AbortSignal.any(both) : both[0];
    const range: Record<string, string> = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    let answered = await get(blob, range, ends);
    if (offset > 0 && !givesRange(answered.response, offset)) {
      // 416, or another part than the one that was asked for: the whole blob then.
      if (answered.response.status === 206 || answered.response.status === 416) {
        await discard(answered.response);
        answered = await get(blob, {}, ends);
      }
    }
    const { response } = answered;
    const begin = response.status === 206 && givesRange(response, offset) ? offset : 0;
    if (response.status !== 200 && begin === 0) throw await answerFault(answered, ref.registry);
    const fault = wrongLength(answered, blob.sizeBytes - begin);
    if (fault !== undefined) {
      await discard(response);
      throw fault;
    }
    return { offset: begin, chunks: chunksOf(answered) };
  }

  return {
    open,
    async prepare() {
      try {
        await authorized(await greeted());
      } catch {
        // Whoever opens a blob meets it again, and says so.
      }
    },
  };
}

/** Whether an answer begins with the byte that was asked for. */
function givesRange({ status, headers }: Response, offset: number): boolean {
  const match = /^bytes (\d+)-/.exec(headers.get("Content-Range") ?? "");
  return status === 206 && offset > 0 && Number(match?.[1] ?? Number.NaN) === offset;
}

/** What is wrong with the length of an answer, before anything of it is read. */
function wrongLength({ response, who }: Answered, wanted: number): BlobFault | undefined {
  const { headers, status } = response;
  const text = headers.get("Content-Length");
  const length = text === null ? undefined : Number(text);
  const encoding = headers.get("Content-Encoding") ?? "identity";
  // Some stores call the blob's own compression an encoding: the length tells them apart.
  if (encoding !== "identity" && length !== wanted) {
    return new BlobFault("unusable", `${who} sends the blob encoded`);
  }
  // A part may be shorter than what was asked for: the next request takes what follows.
  if (length === undefined || length === wanted || (status === 206 && length < wanted)) {
    return undefined;
  }
  return new BlobFault("damaged", `${who} sends ${length} bytes, not ${wanted}`);
}

async function* chunksOf({ response, who }: Answered): AsyncGenerator<Uint8Array> {
  try {
    yield* response.body ?? [];
  } catch (error) {
    throw connectionFault(error, who);
  }
}
