import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Host } from "../host.ts";
import { type Lab, startLab } from "../lab.ts";
import { waitFor } from "../wait_for.ts";
import { type RealImage, realImageLayout, realImages } from "./real_images.ts";

setDefaultTimeout(10 * 60_000);

/** What tells that the program works, as a command in the host, and what it says. */
const proofs: Readonly<Record<RealImage, readonly [string, RegExp]>> = {
  registry: ["curl -sf 'http://[::1]:5000/v2/_catalog'", /^\{"repositories":\[\]\}$/],
  nginx: ["curl -sf 'http://[::1]:80/'", /nginx of the mbctl lab/],
  redis: ["chroot /images/redis redis-cli -h ::1 set a b", /^OK$/],
  postgres: [
    "chroot /images/postgres /usr/lib/postgresql/15/bin/psql -h ::1 -U postgres -Atc 'select 6*7'",
    /^42$/,
  ],
  scratch: ["curl -sf 'http://[::1]:80/'", /scratch of the mbctl lab/],
  busybox: ["curl -sf 'http://[::1]:8080/'", /busybox of the mbctl lab/],
};

describe("the program of a real image runs in plain systemd-nspawn", () => {
  let lab: Lab;
  let host: Host;
  beforeAll(async () => {
    lab = await startLab({
      hosts: [{ name: "plain", os: "debian13" }],
      mesh: false,
      mbctl: true,
    });
    host = lab.host("plain");
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  test.each([...realImages])("%s", async (name) => {
    await host.copyIn(await realImageLayout(name), `/layouts/${name}`);
    const root = `/images/${name}`;
    await host.run(["mkdir", "-p", "/images"]);
    await host.run(["mbctl", "oci", "download", `oci:/layouts/${name}:latest`, root]);
    const image = JSON.parse(
      (await host.run(["skopeo", "inspect", "--config", `oci:/layouts/${name}:latest`])).stdout,
    );
    const { Entrypoint = [], Cmd = [], Env = [], WorkingDir = "/" } = image.config;
    // An image of one static binary has no /usr, without which nspawn takes nothing for a root tree.
    await host.run(["mkdir", "-p", `${root}/usr`]);
    await using program = host.start([
      // Through a real pipe: Bun's are sockets, and nobody can open /dev/stdout where that is a socket.
      ...["bash", "-c", 'exec "$@" > >(cat) 2>&1', "bash"],
      ...[
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        "--directory",
        root,
        "--as-pid2",
        "--console=pipe",
      ],
      ...[`--chdir=${WorkingDir}`, ...Env.map((entry: string) => `--setenv=${entry}`)],
      ...[
        "--setenv=POSTGRES_HOST_AUTH_METHOD=trust",
        "--tmpfs=/run/postgresql:mode=3777",
        "--resolv-conf=off",
        ...Entrypoint,
        ...Cmd,
      ],
    ]);
    const [command, expected] = proofs[name];
    const said = await waitFor(
      async () => expected.exec((await host.sh(command, [], { allowFailure: true })).stdout.trim()),
      {
        timeoutMs: 60_000,
        what: `the program of ${name}`,
        explain: () => program.stdout() + program.stderr(),
      },
    );
    expect(said[0]).toMatch(expected);
    // Killed by force, nspawn would leave the program behind.
    await program.kill("SIGTERM");
    await program.exited;
  });
});
