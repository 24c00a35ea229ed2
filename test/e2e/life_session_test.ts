/**
 * An administrator's session, from a declaration to a machine on another host: typed, and compared with a golden
 * transcript. Addresses, digests, times and sizes stand for themselves there.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { expectGolden } from "../golden/golden.ts";
import type { Host } from "../lab/host.ts";
import { makeBusyboxImage } from "../lab/images/busybox_image.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { labTimeoutMs, testedHost } from "./_lab.ts";
import { joinBySsh, sshPackages } from "./_ssh.ts";

const [os] = testedHost;
const declaration = `# The page of our town.
schema = 1
image = "localhost:5000/page:1"
boot = true
restart = "on-failure:3"

[env]
TOWN = "Bremen"

[limits]
memory = "64M"

[health]
http = "http://127.0.0.1/"
interval = "1s"
`;
/** Serves what lies in its volume, and says which version it is. */
const server =
  'mkdir -p /data; [ -e /data/index.html ] || echo "$TOWN" >/data/index.html; cp /version /data/version; exec httpd -f -p 80 -h /data';

let lab: Lab;
let transcript = "";

beforeAll(async () => {
  if (os === undefined) throw new Error("Cannot choose a system: none is tested");
  const hosts = ["hosta", "hostb"].map((name) => ({ name, os, packages: sshPackages }));
  lab = await startLab({ hosts, mbctl: true });
  const [a, b] = [lab.host("hosta"), lab.host("hostb")];
  await joinBySsh(lab, "hosta", "hostb");
  const registry = await Registry.start(a);
  for (const tag of ["1", "2", "broken"]) {
    const layout = join(a.dir, `page-${tag}`);
    await makeBusyboxImage(layout, {
      config: {
        Cmd: ["sh", "-c", tag === "broken" ? "echo broken; exit 3" : server],
        Env: ["PATH=/bin", `VERSION=${tag}`],
        Volumes: { "/data": {} },
      },
      files: [{ path: "version", content: `version ${tag}\n` }],
    });
    await registry.push(layout, "page", { tag });
  }
  await a.writeFile(
    "/etc/containers/registries.conf.d/lab.conf",
    '[[registry]]\nlocation = "localhost:5000"\ninsecure = true\n',
  );
  // The other host asks the same registry, by the mesh.
  await b.writeFile(
    "/etc/containers/registries.conf.d/lab.conf",
    `[[registry]]\nprefix = "localhost:5000"\nlocation = "hosta:5000"\ninsecure = true\n`,
  );
  await a.writeFile("/root/page.toml", declaration);
  await a.writeFile("/root/token", "s3cret", "0600");
}, labTimeoutMs);
afterAll(async () => await lab?.[Symbol.asyncDispose](), labTimeoutMs);

/** Types a line on a host, and notes what came of it. */
async function type(host: Host, line: string, wantedExit = 0): Promise<string> {
  const { stdout, exitCode } = await host.run(["bash", "-c", `cd /root; { ${line}; } 2>&1`], {
    allowFailure: true,
    timeoutMs: 120_000,
  });
  transcript += `${host.name}# ${line}\n${plain(stdout)}`;
  if (exitCode !== 0) transcript += `(exit ${exitCode})\n`;
  if (exitCode !== wantedExit) throw new Error(`${transcript}\nwanted: exit ${wantedExit}`);
  return stdout;
}

/** What differs from run to run, by its kind. */
function plain(text: string): string {
  return (
    text
      .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:DIGEST")
      .replaceAll(/\b[0-9a-f]{12}\b/g, "DIGEST")
      .replaceAll(/\b3[0-9a-f]{2}(:[0-9a-f]{1,4}){7}\b/g, "MESH")
      .replaceAll(/\bfd[0-9a-f]{2}(:[0-9a-f]{0,4}){3,7}\b/g, "ULA")
      .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, "TIME")
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d/g, "TIME")
      .replaceAll(/\d{8}[T-]\d{6}Z?(-\d+)?/g, "STAMP")
      .replaceAll(/\b\d+(\.\d+)? (B|kB|MB|GB|ms|s)\b/g, "N $2")
      // Layers come in any order.
      .replaceAll(/^done layer .*\n/gm, "")
      // Columns are as wide as what stood for these words.
      .replaceAll(/(?<=\S) {2,}/g, "  ")
      .replaceAll(/[ \t]+$/gm, "")
  );
}

const waitForPage = async (host: Host, name: string, words: string) =>
  await waitFor(
    async () =>
      (await host.run(["curl", "-s", "-m", "2", `http://${name}/version`], { allowFailure: true }))
        .stdout === `${words}\n`,
    {
      what: `${name} to serve ${words} to ${host.name}`,
      explain: async () => transcript,
    },
  );

test(
  "from declare to move",
  async () => {
    const [a, b] = [lab.host("hosta"), lab.host("hostb")];
    await type(a, "mbctl machines apply page.toml --start");
    await type(b, "mbctl address import --ssh hosta --trust --yes");
    await type(a, "mbctl address import --ssh hostb --trust --yes");
    await waitForPage(b, "page.hosta", "version 1");
    await type(a, "mbctl machines apply page.toml");
    await type(b, "curl -s http://page.hosta/");
    await type(a, "mbctl machines wait page --condition healthy");
    await type(a, "printf 'TEA=green\\n' >>/var/lib/man8machine_configs/page/man8env.env");
    await type(a, "mbctl machines diff page");
    await type(a, "EDITOR='sed -i s/64M/96M/' mbctl machines edit page");
    await type(a, "mbctl secrets set page token <token");
    await type(a, "mbctl secrets list page");
    await type(a, "mbctl machines snapshot page before-the-fair --with-data");
    await type(a, "mbctl machines upgrade page --to localhost:5000/page:2");
    await waitForPage(b, "page.hosta", "version 2");
    await type(a, "mbctl machines upgrade page --to localhost:5000/page:broken", 1);
    await waitForPage(b, "page.hosta", "version 2");
    await type(a, "mbctl machines cp page:/data/index.html -  | tar -xO");
    await type(a, "mbctl machines exec page -- sh -c 'echo Oldenburg >/data/index.html'");
    await type(b, "curl -s http://page.hosta/");
    await type(a, "mbctl machines rollback page before-the-fair --with-data --yes");
    await waitForPage(b, "page.hosta", "version 1");
    await type(b, "curl -s http://page.hosta/");
    await type(a, "mbctl machines rename page town --yes");
    await type(b, "mbctl address import --ssh hosta --trust --yes");
    await waitForPage(b, "town.hosta", "version 1");
    await type(a, "mbctl machines export town town.tar --with-data --live");
    await type(a, "mbctl machines move town ssh://root@hostb --yes");
    await waitForPage(a, "town.hostb", "version 1");
    await type(a, "curl -s http://town.hostb/");
    await type(a, "mbctl machines list");
    await type(b, "mbctl machines list");
    await type(b, "grep TEA /var/lib/man8machine_configs/town/man8env.env");
    expect(transcript).not.toContain("s3cret");
    expectGolden("e2e/life_session.txt", transcript);
  },
  labTimeoutMs,
);
