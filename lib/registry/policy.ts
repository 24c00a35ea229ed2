/**
 * Which rule of containers-policy.json(5) applies to an image. skopeo applies the
 * file; what is read here is shown to people, and says where skopeo need not be
 * asked because nothing is demanded.
 *
 * @module
 */

import * as v from "valibot";
import type { ImageRef } from "../image/reference.ts";

/** A policy.json that was understood. */
export interface Policy {
  /** What is demanded of an image for which nothing else stands there. */
  readonly default: readonly Requirement[];
  /** Demands by transport, then by scope. */
  readonly transports: Readonly<Record<string, Readonly<Record<string, readonly Requirement[]>>>>;
}

/** A demand, by its type: `insecureAcceptAnything`, `reject`, `signedBy`, `sigstoreSigned`. */
export interface Requirement {
  readonly type: string;
}

/** The rule by which an image was taken. */
export interface Verification {
  /** The types of its demands, all of which were met. */
  readonly rules: readonly string[];
  /** Where it stands in the file: `default`, `docker`, `docker:registry.example.com/a`. */
  readonly scope: string;
  /** The file. */
  readonly file: string;
  /** Whether it demands a signature. */
  readonly isSigned: boolean;
}

const requirements = v.pipe(v.array(v.looseObject({ type: v.string() })), v.minLength(1));
const schema = v.strictObject({
  default: requirements,
  transports: v.optional(v.record(v.string(), v.record(v.string(), requirements)), {}),
});

/**
 * Reads a policy.
 *
 * @returns undefined for a file that skopeo would refuse, or may understand in
 * another way than we do: then only skopeo knows.
 */
export function parsePolicy(text: string): Policy | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { success, output } = v.safeParse(schema, json);
  // Of a key that stands there twice JSON.parse() takes the last; skopeo refuses the file.
  return success && countKeys(json) === countKeyTexts(text) ? output : undefined;
}

function countKeys(json: unknown): number {
  if (typeof json !== "object" || json === null) return 0;
  const values = Object.values(json);
  const own = Array.isArray(json) ? 0 : values.length;
  return values.reduce<number>((sum, value) => sum + countKeys(value), own);
}

/** Strings that a colon follows. */
function countKeyTexts(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon).length;
}

/** Whether a policy takes every image of a transport as it is, wherever it comes from. */
export function takesAnything(policy: Policy, transport: ImageRef["transport"]): boolean {
  const scopes = policy.transports[transport] ?? {};
  return [policy.default, ...Object.values(scopes)].every(demandsNothing);
}

function demandsNothing(demands: readonly Requirement[]): boolean {
  return demands.every(({ type }) => type === "insecureAcceptAnything");
}

/** The rule that applies to an image (containers-policy.json(5), "scopes"). */
export function ruleFor(policy: Policy, ref: ImageRef, file: string): Verification {
  const own = policy.transports[ref.transport] ?? {};
  const scope = [...scopesOf(ref), ""].find((each) => Object.hasOwn(own, each));
  const demands = (scope === undefined ? undefined : own[scope]) ?? policy.default;
  return {
    rules: demands.map(({ type }) => type),
    scope:
      scope === undefined ? "default" : scope === "" ? ref.transport : `${ref.transport}:${scope}`,
    file,
    isSigned: demands.some(({ type }) => type === "signedBy" || type === "sigstoreSigned"),
  };
}

/** `signedBy (docker:example.com in /etc/containers/policy.json)`. */
export function formatVerification({ rules, scope, file }: Verification): string {
  return `${[...new Set(rules)].join(" and ")} (${scope} in ${file})`;
}

/**
 * The scopes that fit an image, the narrowest first. The path of a local one must
 * be without links.
 */
function scopesOf(ref: ImageRef): string[] {
  if (ref.transport === "docker-archive") return [];
  if (ref.transport !== "docker") return parents(ref.path).filter((path) => path !== "");
  const name = `${ref.registry}/${ref.repository}`;
  const full = ref.digest === undefined ? `${name}:${ref.tag}` : `${name}@${ref.digest}`;
  const host = ref.registry.replace(/:[0-9]+$/, "").split(".");
  const wildcards = host.slice(1).map((_, at) => `*.${host.slice(at + 1).join(".")}`);
  return [full, ...parents(name), ...wildcards];
}

/** `a/b/c`, `a/b`, `a`. */
function parents(path: string): string[] {
  const words = path.split("/");
  return words.map((_, at) => words.slice(0, words.length - at).join("/"));
}
