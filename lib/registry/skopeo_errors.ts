/**
 * What skopeo says when it fails, and what a person can do about it.
 *
 * Every failure of skopeo is a failed tool (exit code 5) whatever it says; its
 * words choose nothing but the hint. What skopeo 1.9.3, 1.18.0 and 1.22.0 said is
 * kept in test/golden/registry/skopeo_errors.json, and every rule fits at least one of
 * those texts in each version. Other words in a pattern (a quota, a missing host, a
 * timeout, …) are the kernel's, Go's or the registry protocol's names for the same
 * trouble and were not recorded.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { damaged } from "../image/found_image.ts";
import { type ImageRef, skopeoSource } from "../image/reference.ts";
import type { Verification } from "./policy.ts";

/** What a failure comes down to. */
export interface Explanation {
  /** skopeo's own words, without its log's dress. */
  readonly reason: string;
  /** The next thing to do, where it is known. */
  readonly hint?: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly hint: (ref: ImageRef) => string;
}

/** What skopeo says when it applied a policy and the image did not pass. */
const refusals = /Source image rejected|rejected by policy|signature/i;

/** The first rule that fits gives the hint. */
const rules: readonly Rule[] = [
  {
    pattern: /no space left on device|disk quota exceeded/,
    hint: () => "make room on that file system, for instance: mbctl cache clear",
  },
  {
    pattern: /server gave HTTP response to HTTPS client/,
    hint: () => "the registry speaks plain HTTP: add --tls-verify=false",
  },
  {
    pattern: /x509: |tls: /,
    hint: (ref) =>
      `put the CA's certificate into /etc/containers/certs.d/${registryOf(ref)}/ca.crt, or add --tls-verify=false`,
  },
  {
    pattern: /policy\.json/,
    hint: () =>
      "install the default policy: apt install golang-github-containers-common | pacman -S containers-common | dnf install containers-common",
  },
  {
    pattern: /rejected by policy/,
    hint: () => "change /etc/containers/policy.json, see containers-policy.json(5)",
  },
  {
    pattern: /toomanyrequests|429 Too Many Requests/,
    hint: (ref) => `wait, or log in: skopeo login ${registryOf(ref)}`,
  },
  {
    pattern: /unauthorized|authentication required|invalid username\/password|denied: /,
    hint: (ref) => `check the name, or log in: skopeo login ${registryOf(ref)}`,
  },
  {
    pattern: /manifest unknown|name unknown/,
    hint: (ref) => `see which tags there are: skopeo list-tags ${repositoryOf(ref)}`,
  },
  {
    pattern:
      /Digest did not match|Manifest does not match|corrupted blob|bytes in blob, got|blob unknown|etching blob: invalid status code from registry 404/,
    hint: () => damaged,
  },
  {
    pattern: /connection reset by peer|EOF$/,
    hint: (ref) =>
      ref.transport === "docker"
        ? "the connection broke: run the command again"
        : "the file is cut off: copy it again from where it was made",
  },
  {
    pattern:
      /connection refused|no such host|no route to host|i\/o timeout|context deadline exceeded/,
    hint: (ref) => `check that the registry answers: curl -v https://${registryOf(ref)}/v2/`,
  },
  {
    pattern: /repository name must be lowercase/,
    hint: () => "write the image's name in small letters",
  },
  {
    // skopeo takes no IPv6 address as a registry, up to 1.22 at least.
    pattern: /invalid reference format/,
    hint: () => "give the registry a host name in /etc/hosts: skopeo takes no IPv6 address",
  },
  {
    pattern: /no descriptor found for reference|more than one image/,
    hint: (ref) => `name the image in it: ${ref.transport}:PATH:NAME`,
  },
  {
    pattern: /no such file or directory/,
    hint: () => "check the path",
  },
];

/** Explains what skopeo wrote to stderr. */
export function explainSkopeo(stderr: string, ref: ImageRef): Explanation {
  const reason = redact(reasonOf(stderr));
  const hint = rules.find((rule) => rule.pattern.test(reason))?.hint(ref);
  return hint === undefined ? { reason } : { reason, hint };
}

/**
 * Says plainly that a policy refused an image, if that is what skopeo said.
 *
 * @param verification the rule that applied, where it is known.
 * @returns the error, or another one in its place.
 */
export function explainRefusal(
  error: unknown,
  image: string,
  verification: Verification | undefined,
): unknown {
  if (!(error instanceof MbctlError) || error.kind !== "tool") return error;
  const reason = error.cause instanceof Error ? error.cause.message : "";
  if (!refusals.test(reason)) return error;
  const file = verification?.file ?? "/etc/containers/policy.json";
  const rule =
    verification === undefined
      ? `a rule of ${file}`
      : `the rule ${JSON.stringify(verification.rules.join(" and "))} of ${JSON.stringify(verification.scope)} in ${file}`;
  return new MbctlError(
    "tool",
    `Cannot use image ${JSON.stringify(image)}: the policy refuses it`,
    {
      cause: error.cause,
      hint: `${rule} applies to it, see containers-policy.json(5)`,
    },
  );
}

/** The message of the last fatal line of logrus's text form, else everything. */
function reasonOf(stderr: string): string {
  const messages = [...stderr.matchAll(/level=(?:fatal|error) msg=("(?:[^"\\]|\\.)*"|\S+)/g)];
  const last = messages.at(-1)?.[1];
  if (last === undefined) return stderr.trim();
  if (!last.startsWith('"')) return last;
  try {
    return String(JSON.parse(last));
  } catch {
    // Go's %q knows escapes that JSON does not, for instance \x1b.
    return last.slice(1, -1);
  }
}

/** Takes accounts out of URLs: a proxy's, for instance. */
function redact(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/"'@]+@(?!sha(?:256|512):)/gi, "$1***@");
}

function registryOf(ref: ImageRef): string {
  return ref.transport === "docker" ? ref.registry : "REGISTRY";
}

function repositoryOf(ref: ImageRef): string {
  return ref.transport === "docker"
    ? `docker://${ref.registry}/${ref.repository}`
    : skopeoSource(ref);
}
