/**
 * The account that skopeo would use for a repository: containers-auth.json(5) and
 * pkg/docker/config of containers/image. Where the versions of skopeo differ, or a
 * program would have to be asked, the answer is that skopeo is to do it.
 *
 * @module
 */

import { join } from "node:path";
import type { RegistryRef } from "../image/reference.ts";

/** A name and a password. They stand in no message and no log. */
export interface Account {
  readonly user: string;
  readonly password: string;
}

/** An account or none; or why only skopeo can tell. */
export type AccountAnswer = { readonly account: Account | undefined } | NotPlain;

/** Why something is left to skopeo, as a state: `~/.docker/config.json names a credential helper`. */
export interface NotPlain {
  readonly notPlain: string;
}

/** What is asked of the world: variables, and files by their path. */
export interface AuthPlaces {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's number. */
  readonly uid: number;
  /** The content of a file, or undefined when there is none. */
  readonly readText: (path: string) => string | undefined;
}

/** Finds the account for a repository. `authFile` is what --authfile names. */
export function findAccount(
  ref: RegistryRef,
  authFile: string | undefined,
  places: AuthPlaces,
): AccountAnswer {
  const { explicit, paths, legacy } = authFilePaths(authFile, places);
  for (const path of paths) {
    const answer = accountIn(path, ref, places.readText);
    if (answer === undefined) continue;
    // skopeo 1.9.3 looks into the other files too, later versions look into the named one alone.
    return explicit === undefined || path === explicit
      ? answer
      : { notPlain: `there are accounts in ${path} too` };
  }
  if (places.readText(legacy) !== undefined) return { notPlain: `there is an old ${legacy}` };
  return { account: undefined };
}

function authFilePaths(authFile: string | undefined, { environment, uid }: AuthPlaces) {
  const set = (name: string) => environment[name] || undefined;
  const explicit = authFile ?? set("REGISTRY_AUTH_FILE");
  const home = set("HOME") ?? "/root";
  const runtime = set("XDG_RUNTIME_DIR") ?? `/run/containers/${uid}`;
  const primary =
    set("XDG_RUNTIME_DIR") === undefined
      ? join(runtime, "auth.json")
      : join(runtime, "containers/auth.json");
  return {
    explicit,
    paths: [
      explicit ?? primary,
      join(set("XDG_CONFIG_HOME") ?? join(home, ".config"), "containers/auth.json"),
      join(set("DOCKER_CONFIG") ?? join(home, ".docker"), "config.json"),
    ],
    legacy: join(home, ".dockercfg"),
  };
}

/** The answer of one file; undefined when it has no account for the repository. */
function accountIn(
  path: string,
  { registry, repository }: RegistryRef,
  readText: AuthPlaces["readText"],
): AccountAnswer | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const file = readObject(text);
  if (file === undefined) return { notPlain: `${path} cannot be read` };
  const { auths, credHelpers, credsStore } = file;
  if (credsStore || (isObject(credHelpers) && Object.hasOwn(credHelpers, registry))) {
    return { notPlain: `${path} names a credential helper` };
  }
  if (!isObject(auths)) return undefined;
  const entry = findEntry(auths, registry, repository);
  if (entry === "ambiguous") return { notPlain: `${path} names the registry twice` };
  if (entry === undefined) return undefined;
  const { auth, identitytoken } = isObject(entry) ? entry : {};
  if (identitytoken) return { notPlain: `${path} has an identity token` };
  return decodeAccount(auth, path);
}

/** The most specific key wins; then keys that are URLs, as docker(1) wrote them. */
function findEntry(auths: JsonObject, registry: string, repository: string): unknown {
  const parts = repository.split("/");
  for (let count = parts.length; count >= 0; count--) {
    const key = [registry, ...parts.slice(0, count)].join("/");
    if (Object.hasOwn(auths, key)) return auths[key];
  }
  const wanted = registryOfKey(registry);
  const found = Object.keys(auths).filter((key) => registryOfKey(key) === wanted);
  if (found.length > 1) return "ambiguous";
  return found[0] === undefined ? undefined : auths[found[0]];
}

/**
 * `https://index.docker.io/v1/` as `index.docker.io`, which is what docker.io is called in these
 * files. A path is cut off from a URL alone: elsewhere it names a namespace.
 */
function registryOfKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, "");
  const host = bare === key ? key : (bare.split("/", 1)[0] ?? "");
  return host === "docker.io" || host === "registry-1.docker.io" ? "index.docker.io" : host;
}

function decodeAccount(auth: unknown, path: string): AccountAnswer | undefined {
  if (typeof auth !== "string" || auth === "") return undefined;
  const bytes = Buffer.from(auth, "base64");
  if (bytes.toString("base64") !== auth) return { notPlain: `${path} has a broken account` };
  const text = bytes.toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  const account = {
    user: text.slice(0, colon),
    password: text.slice(colon + 1).replace(/^\0+|\0+$/g, ""),
  };
  return account.user === "" || account.password === "" ? undefined : { account };
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
