/**
 * A real registry (Debian's docker-registry) in a network namespace of its own:
 * no port of the machine is used, and every skopeo of the tests runs in there.
 */

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRun } from "../../lib/host/run.ts";

const programs = ["docker-registry", "skopeo", "nsenter", "unshare", "ip"];

/** A namespace takes root. */
export const canServe =
  process.getuid?.() === 0 && programs.every((program) => Bun.which(program) !== null);

export interface RealRegistry {
  /** What it is called in references. */
  readonly host: string;
  /** What stands before the words of a program that is to reach it. */
  readonly enter: readonly string[];
  stop(): Promise<void>;
}

/** Starts a registry, and puts a `skopeo` that reaches it in front of PATH until it is stopped. */
export async function startRegistry(dir: string): Promise<RealRegistry> {
  const host = "127.0.0.1:5000";
  const bin = join(dir, "bin");
  mkdirSync(bin, { recursive: true });
  const config = join(dir, "registry.yml");
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: "info", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(dir, "data") } },
      http: { addr: host },
    }),
  );
  const serve = 'ip link set lo up && exec docker-registry serve "$0"';
  const child = Bun.spawn(
    ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "sh", "-c", serve, config],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  await waitForLine(child.stderr, "listening on");
  const skopeo = join(bin, "skopeo");
  const enter = ["nsenter", `--net=/proc/${child.pid}/ns/net`];
  writeFileSync(skopeo, `#!/bin/sh\nexec ${enter.join(" ")} ${Bun.which("skopeo")} "$@"\n`);
  chmodSync(skopeo, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  return {
    host,
    enter,
    async stop() {
      process.env.PATH = path;
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Waits for a line; what follows it is read too, or the pipe would fill up. */
async function waitForLine(stream: ReadableStream<Uint8Array>, what: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = async () => {
    let text = "";
    for await (const chunk of stream) {
      text = (text + Buffer.from(chunk).toString()).slice(-65_536);
      if (text.includes(what)) resolve();
    }
    reject(new Error(`the registry ended: ${text}`));
  };
  void read();
  await promise;
}

/** Copies an image to the registry byte by byte, or as Docker's. */
export async function push(source: string, target: string, flags: readonly string[] = []) {
  await makeRun()([
    ...["skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", ...flags],
    ...[source, `docker://${target}`],
  ]);
}
