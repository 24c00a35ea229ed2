/** What `host check` says in a lab host, and doing what it says. */

import { expect } from "bun:test";
import type { Finding } from "../../lib/check/finding.ts";
import type { Host } from "../lab/host.ts";
import { waitFor } from "../lab/wait_for.ts";
import { mbctl } from "./_lab.ts";

/** The answer of `host check [NAME] --json`, and its exit code. */
export interface Checked {
  readonly exitCode: number;
  readonly checks: readonly Finding[];
}

/** Runs `host check` with these words. */
export async function check(host: Host, ...name: readonly string[]): Promise<Checked> {
  const { exitCode, stdout, stderr } = await mbctl(host, ["host", "check", ...name, "--json"]);
  if (stdout === "") throw new Error(`host check exited with ${exitCode}: ${stderr}`);
  const { schemaVersion, checks } = JSON.parse(stdout) as Checked & { schemaVersion: number };
  expect(schemaVersion).toBe(1);
  return { exitCode, checks };
}

/** What stands in the way. */
export function bad({ checks }: Checked): readonly Finding[] {
  return checks.filter(({ verdict }) => verdict === "wrong" || verdict === "missing");
}

/**
 * Waits until nothing does any more.
 *
 * @param timeoutMs a minute by default.
 */
export async function waitForGreen(
  host: Host,
  timeoutMs?: number,
  ...name: readonly string[]
): Promise<void> {
  await waitFor(async () => (await check(host, ...name)).exitCode === 0, {
    timeoutMs,
    what: `host check ${name.join(" ")} to be green`,
    explain: async () => JSON.stringify(bad(await check(host, ...name)), null, 2),
  });
}

/** Runs the commands that the check prints, as they are, and again while it prints others; then it is green. */
export async function mendAsTold(host: Host, ...name: readonly string[]): Promise<void> {
  for (let round = 1; round <= 4; round++) {
    const told = bad(await check(host, ...name));
    if (told.length === 0) return;
    for (const mend of new Set(told.map(({ mend }) => mend ?? "false"))) await host.sh(mend);
    // What was started needs a moment: a router's answers, a lease.
    const settled = waitForGreen(host, 4000, ...name);
    if (
      await settled.then(
        () => true,
        () => false,
      )
    )
      return;
  }
  await waitForGreen(host, undefined, ...name);
}

/** The one thing that stands in the way; on a busy host others may do so for a moment. */
export async function onlyBad(host: Host): Promise<Finding> {
  return await waitFor(
    async () => {
      const [finding, ...others] = bad(await check(host));
      return others.length === 0 ? finding : undefined;
    },
    {
      what: "one thing alone to stand in the way",
      explain: async () => JSON.stringify(bad(await check(host)), null, 2),
    },
  );
}
