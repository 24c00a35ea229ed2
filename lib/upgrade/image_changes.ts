/**
 * What a new image wants to be run like that the old one did not. Pure.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import { quoteWords } from "../env/posix_sh.ts";
import type { HealthCheck, ImageConfig } from "../image/config.ts";
import { formatPlatform } from "../image/platform.ts";

/** One setting of an image's configuration that has another value now. */
export interface ImageChange {
  /** `user`, `variable PATH`, `volume /data`… */
  readonly what: string;
  /** Undefined for what the old image did not set. */
  readonly before: string | undefined;
  /** Undefined for what the new image does not set. */
  readonly after: string | undefined;
}

/** The differences, in the order of the settings; labels and dates are left out: no machine depends on them. */
export function imageChanges(before: ImageConfig, after: ImageConfig): ImageChange[] {
  const settings: readonly (readonly [
    what: string,
    read: (image: ImageConfig) => string | undefined,
  ])[] = [
    ["platform", formatPlatform],
    ["entrypoint", ({ entrypoint }) => words(entrypoint)],
    ["command", ({ cmd }) => words(cmd)],
    ["user", ({ user }) => user || "root"],
    ["working directory", ({ workingDir }) => workingDir],
    ["stop signal", ({ stopSignal }) => stopSignal],
    ["health check", ({ healthcheck }) => healthcheck && formatCheck(healthcheck)],
  ];
  return [
    ...settings.map(([what, read]) => ({ what, before: read(before), after: read(after) })),
    ...compareMaps("variable ", new Map(before.env), new Map(after.env)),
    ...compareMaps("volume ", present(before.volumes), present(after.volumes)),
    ...compareMaps("port ", present(ports(before)), present(ports(after))),
  ].filter((change) => change.before !== change.after);
}

/** `user: www -> app`; `volume /data: new`; `variable LANG: gone, was C.UTF-8`. */
export function formatImageChange({ what, before, after }: ImageChange): string {
  if (before === undefined) return `${what}: new${after === "" ? "" : `, ${after}`}`;
  if (after === undefined) return `${what}: gone${before === "" ? "" : `, was ${before}`}`;
  return `${what}: ${before || '""'} -> ${after || '""'}`;
}

function compareMaps(
  kind: string,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ImageChange[] {
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => ({
    what: `${kind}${key}`,
    before: before.get(key),
    after: after.get(key),
  }));
}

function present(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name): EnvEntry => [name, ""]));
}

function ports({ ports }: ImageConfig): string[] {
  return ports.map(({ port, protocol }) => `${port}/${protocol}`);
}

function words(list: readonly string[]): string | undefined {
  return list.length === 0 ? undefined : quoteWords(list);
}

/** `CMD-SHELL 'curl -f localhost', interval 30s`; what is not named is the default. */
function formatCheck(check: HealthCheck): string {
  const { test, intervalNs, timeoutNs, startPeriodNs, retries } = check;
  const seconds = (what: string, ns: number | undefined) =>
    ns === undefined ? [] : [`${what} ${ns / 1e9}s`];
  return [
    quoteWords(test),
    ...seconds("interval", intervalNs),
    ...seconds("timeout", timeoutNs),
    ...seconds("start period", startPeriodNs),
    ...(retries === undefined ? [] : [`${retries} retries`]),
  ].join(", ");
}
