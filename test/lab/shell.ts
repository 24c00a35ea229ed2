/**
 * A lab by hand: `bun test/lab/shell.ts [OS…]` boots a host for each OS (debian13 by
 * default), joined by a mesh, and opens a shell in the first one. It all goes when the shell ends.
 *
 * In another terminal, `nsenter` with the printed line opens a shell in any of the hosts.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { enterArgv } from "./enter.ts";
import { type HostOs, hostOses } from "./host_image.ts";
import { realImages } from "./images/real_images.ts";
import { mbctlBinary, startLab } from "./lab.ts";
import { Registry } from "./registry.ts";

/** Plain text on stderr: console.error() would colour it like a failure. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const words = process.argv.slice(2);
const unknown = words.find((word) => !(hostOses as readonly string[]).includes(word));
if (unknown !== undefined) {
  say(`Cannot boot "${unknown}": the lab knows ${hostOses.join(", ")}`);
  process.exit(2);
}
const oses = (words.length === 0 ? ["debian13"] : words) as HostOs[];

await using lab = await startLab({
  hosts: oses.map((os, index) => ({
    name: `host${String.fromCharCode(97 + index)}`,
    os,
  })),
  mbctl: existsSync(mbctlBinary),
});
const first = lab.hosts[0];
if (first === undefined) throw new Error("Cannot open a shell: the lab has no host");
if (!existsSync(mbctlBinary))
  say("There is no build/mbctl yet: the hosts have none (make build makes it)");

const registry = await Registry.start(first);
for (const name of realImages) say((await registry.pushReal(name)).reference);
for (const host of lab.hosts) {
  say(
    `${host.name}  ${host.os}  ${lab.mesh(host.name).address}  nsenter -a -t ${host.leader} bash -l`,
  );
}
say("Pull with --tls-verify=false. The lab goes when this shell ends.");

// The shell takes Ctrl-C, we do not.
process.on("SIGINT", () => {});
const shell = Bun.spawn(
  // script(1) makes a terminal of the host's own, on which job control works.
  enterArgv(first.leader, ["script", "--quiet", "--command", "exec bash -l", "/dev/null"], {
    env: { TERM: process.env.TERM ?? "xterm" },
  }),
  { stdio: ["inherit", "inherit", "inherit"] },
);
await shell.exited;
