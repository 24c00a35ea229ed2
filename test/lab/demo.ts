/**
 * The demo: the main job of mbctl from nothing to a page that crosses the mesh, on two
 * throw-away hosts. `make demo`, or `bun test/lab/demo.ts [OS]` (debian13 by default).
 *
 * Every step is printed as the command that a person would type, behind the prompt of the host
 * where they would type it, with the command's real output below. The first step that fails
 * ends the demo with exit code 1; in every case the lab goes, and nothing stays behind.
 *
 * @module
 */
import type { Host } from "./host.ts";
import { type HostOs, hostOses, systemdVersions } from "./host_image.ts";
import { startLab } from "./lab.ts";
import { findLeftovers } from "./leftovers.ts";
import { Registry } from "./registry.ts";
import { waitFor } from "./wait_for.ts";

const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
const startMs = performance.now();

/** A step did not do what the demo is there to show. */
class DemoError extends Error {
  override readonly name = "DemoError";
}

/** Says what comes next. */
function say(text: string): void {
  console.log(`\n${isColoured ? `\x1b[36m# ${text}\x1b[0m` : `# ${text}`}`);
}

/**
 * Types a command line in a host: prints it, runs it in bash, prints what it wrote.
 *
 * @returns its output, both streams as they came.
 * @throws DemoError when it fails, or when the output lacks what it has to show.
 */
async function type(host: Host, line: string, shows?: RegExp): Promise<string> {
  const prompt = `root@${host.name}:~#`;
  console.log(`${isColoured ? `\x1b[1;32m${prompt}\x1b[0m` : prompt} ${line}`);
  const { exitCode, stdout } = await host.run(
    // On one pipe the two streams keep their order.
    ["bash", "-o", "pipefail", "-c", 'exec 2>&1; eval "$1"', "demo", line],
    { allowFailure: true, timeoutMs: 60_000 },
  );
  process.stdout.write(stdout === "" || stdout.endsWith("\n") ? stdout : `${stdout}\n`);
  if (exitCode !== 0)
    throw new DemoError(`Cannot run "${line}" on ${host.name}: exit code ${exitCode}`);
  if (shows !== undefined && !shows.test(stdout)) {
    throw new DemoError(
      `Cannot go on after "${line}" on ${host.name}: its output does not match ${shows}`,
    );
  }
  return stdout.trim();
}

/** All steps, in order. */
async function mainJob(hosta: Host, hostb: Host): Promise<void> {
  say(
    "A real registry runs on hosta, and holds nginx with the configuration of the official image.",
  );
  await type(hosta, "curl -s http://localhost:5000/v2/nginx/tags/list", /latest/);
  await type(hosta, "mbctl oci inspect localhost:5000/nginx --tls-verify=false", /nginx/);

  say(
    "One command makes a machine of it. Its address follows from its name and the host's yggdrasil key.",
  );
  await type(
    hosta,
    "mbctl machines pull localhost:5000/nginx Web --tls-verify=false",
    /^3[0-9a-f]*:/m,
  );
  await type(hosta, "mbctl machines start Web");
  await type(hosta, "mbctl machines list", /^Web +running/m);
  const address = await type(hosta, "mbctl address get Web", /^3[0-9a-f]*:[0-9a-f:]+$/m);

  say("hostb has its own yggdrasil and knows nothing of hosta but the mesh.");
  await type(hostb, `ip -6 route get ${address}`, / dev tun| dev ygg/);
  await waitUntilReady(hostb, address);
  await type(hostb, `curl -sS http://[${address}]/`, /nginx of the mbctl lab/);

  say("What the machine wrote, and a look inside.");
  await type(hosta, "mbctl machines logs Web -n 6", /GET \/ HTTP\/1\.1" 200/);
  await type(hosta, "mbctl machines shell Web -- /usr/sbin/nginx -v", /nginx version/);
  await type(
    hosta,
    "mbctl machines shell Web --network-only -- ip -6 -brief address show host0",
    new RegExp(`${address}/`),
  );
  await type(hosta, "echo 'id; exit' | mbctl machines shell Web", /uid=0/);

  say("It goes, and takes everything with it.");
  await type(hosta, "mbctl machines remove Web --stop --yes");
  await type(hosta, "mbctl machines list");
  await type(
    hosta,
    "find /var/lib/man8* /var/lib/machines /etc/systemd/nspawn /etc/systemd/system -name '*Web*' | wc -l",
    /^0$/m,
  );
}

/** Nobody types this: nginx needs a moment to listen, and a person needs longer to type the next line. */
async function waitUntilReady(from: Host, address: string): Promise<void> {
  await waitFor(
    async () => {
      const argv = ["bash", "-c", 'exec 3<>"/dev/tcp/$1/80"', "demo", address];
      const { exitCode } = await from.run(argv, {
        allowFailure: true,
        timeoutMs: 5000,
      });
      return exitCode === 0;
    },
    { what: `the machine to listen on [${address}]:80` },
  );
}

/** Seconds since the start, `12.3 s`. */
function elapsed(): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}

/** @returns the exit code. */
async function main(): Promise<number> {
  const os = process.argv[2] ?? "debian13";
  if (!(hostOses as readonly string[]).includes(os)) {
    console.error(`Cannot boot "${os}": the lab knows ${hostOses.join(", ")}`);
    return 2;
  }
  const version = systemdVersions[os as HostOs];
  say(
    `Two throw-away hosts: ${os}, systemd ${version}, joined by yggdrasil alone. (The first time they are built.)`,
  );
  let failure: unknown;
  let id = "";
  try {
    await using lab = await startLab({
      hosts: ["hosta", "hostb"].map((name) => ({ name, os: os as HostOs })),
      mbctl: true,
    });
    id = lab.dir;
    for (const { name } of lab.hosts) {
      const { address, prefix } = lab.mesh(name);
      console.log(`${name}: ${address}, its machines are in ${prefix}::/64`);
    }
    const registry = await Registry.start(lab.host("hosta"));
    await registry.pushReal("nginx");
    console.log(`up after ${elapsed()}`);
    await mainJob(lab.host("hosta"), lab.host("hostb"));
  } catch (error) {
    failure = error;
  }
  const leftovers = id === "" ? [] : await findLeftovers(id);
  say(
    "The hosts are gone as well. Mounts, links, name spaces, processes, cgroups and files that they left:",
  );
  console.log(leftovers.length === 0 ? "none" : leftovers.join("\n"));
  if (failure !== undefined) {
    console.error(
      `\n${failure instanceof Error ? failure.message : failure}\nThe demo failed after ${elapsed()}.`,
    );
    return 1;
  }
  if (leftovers.length > 0) return 1;
  console.log(`\nThe demo is over after ${elapsed()}: everything worked.`);
  return 0;
}

process.exitCode = await main();
