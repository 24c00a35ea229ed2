/** The README's mesh of two hosts, typed as it stands there: packages on both, ssh between them, nothing else. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { codeBlocks, readDocument, section } from "../docs/_markdown.ts";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, testedHost } from "./_lab.ts";
import { joinBySsh, sshPackages } from "./_ssh.ts";

const [os] = testedHost;
/** `hosta# mbctl host setup`: where it is typed, and what. */
const lines = codeBlocks(
  section(readDocument("README.md"), "A mesh of two hosts"),
  "console",
).flatMap((block) =>
  [...block.matchAll(/^(host[ab])# (.+)$/gm)].map(([, host = "", text = ""]) => ({ host, text })),
);

let lab: Lab;

beforeAll(async () => {
  if (os === undefined) throw new Error("Cannot choose a system: none is tested");
  lab = await startLab({
    hosts: ["hosta", "hostb"].map((name) => ({ name, os, packages: sshPackages })),
    mesh: false,
    bridge: false,
    mbctl: true,
  });
  await joinBySsh(lab, "hosta", "hostb");
  const a = lab.host("hosta");
  const registry = await Registry.start(a);
  await registry.pushReal("nginx");
  // The lab has no internet: hosta asks its own registry for what docker.io has.
  await a.writeFile(
    "/etc/containers/registries.conf.d/lab.conf",
    '[[registry]]\nprefix = "docker.io/library"\nlocation = "localhost:5000"\ninsecure = true\n',
  );
}, labTimeoutMs);
afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

test("has seven commands", () => {
  expect(lines.length).toBe(7);
});

test(
  "ends with a page of a machine, fetched by its name from the other host",
  async () => {
    const outputs: string[] = [];
    for (const { host, text } of lines) {
      if (text.startsWith("curl ")) await waitForMesh(lab.host(host), text);
      const { stdout } = await lab.host(host).run(["bash", "-c", text], { timeoutMs: 120_000 });
      outputs.push(stdout);
    }
    expect(outputs.at(-1)).toContain("nginx of the mbctl lab");
    expect((await lab.host("hosta").run(["mbctl", "host", "check"])).exitCode).toBe(0);
  },
  labTimeoutMs,
);

/** Two nodes that have just started need some seconds to find each other, as a person needs for typing. */
async function waitForMesh(host: Host, command: string): Promise<void> {
  await waitFor(
    async () =>
      (await host.run(["bash", "-c", `${command} -m 2`], { allowFailure: true })).exitCode === 0,
    {
      what: `"${command}" to answer`,
      explain: async () =>
        (
          await host.sh(
            "yggdrasilctl getpeers; ip -6 route; getent hosts web.hosta; cat /etc/hosts",
          )
        ).stdout,
    },
  );
}
