/** The demo, as `make demo` runs it: it is the first thing that a newcomer sees. */

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLeftovers } from "./leftovers.ts";
import { startLab } from "./lab.ts";
import { run } from "./run.ts";

const demo = join(import.meta.dir, "demo.ts");
// The first run on a machine builds the hosts' root tree.
const timeoutMs = 10 * 60_000;

async function runDemo(...words: string[]) {
  return await run([process.execPath, demo, ...words], {
    allowFailure: true,
    timeoutMs,
  });
}

describe("the demo", () => {
  test(
    "shows the main job as commands and their output, and leaves nothing behind",
    async () => {
      const { exitCode, stdout, stderr } = await runDemo();
      expect({
        exitCode,
        stderr: stderr.replaceAll(/^lab: .*\n/gm, ""),
      }).toEqual({ exitCode: 0, stderr: "" });
      const address =
        /^root@hosta:~# mbctl address get Web\n(3[0-9a-f:]+)$/m.exec(stdout)?.[1] ?? "none";
      const typed = stdout
        .split("\n")
        .flatMap((line) => /^root@(host[ab]):~# (.*)$/.exec(line)?.slice(1).join(": ") ?? [])
        .map((line) => line.replaceAll(address, "ADDRESS"));
      expect(typed).toEqual([
        "hosta: curl -s http://localhost:5000/v2/nginx/tags/list",
        "hosta: mbctl oci inspect localhost:5000/nginx --tls-verify=false",
        "hosta: mbctl machines pull localhost:5000/nginx Web --tls-verify=false",
        "hosta: mbctl machines start Web",
        "hosta: mbctl machines list",
        "hosta: mbctl address get Web",
        "hostb: ip -6 route get ADDRESS",
        "hostb: curl -sS http://[ADDRESS]/",
        "hosta: mbctl machines logs Web -n 6",
        "hosta: mbctl machines shell Web -- /usr/sbin/nginx -v",
        "hosta: mbctl machines shell Web --network-only -- ip -6 -brief address show host0",
        "hosta: echo 'id; exit' | mbctl machines shell Web",
        "hosta: mbctl machines remove Web --stop --yes",
        "hosta: mbctl machines list",
        "hosta: find /var/lib/man8* /var/lib/machines /etc/systemd/nspawn /etc/systemd/system -name '*Web*' | wc -l",
      ]);
      expect(stdout).toMatch(/\nnone\n\nThe demo is over after \d+\.\d s: everything worked\.\n$/);
    },
    timeoutMs,
  );

  test("refuses a system that the lab does not know", async () => {
    expect(await runDemo("slackware")).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: 'Cannot boot "slackware": the lab knows debian12, debian13, sid\n',
    });
  });

  test("fails where it cannot work", async () => {
    // A folder on a file system that machines cannot live on: no lab comes up.
    const folder = mkdtempSync(join(tmpdir(), "mbctl-demo-"));
    const argv = [
      "unshare",
      "--mount",
      "sh",
      "-euc",
      overlayScript,
      "sh",
      folder,
      process.execPath,
      demo,
    ];
    const { exitCode, stdout, stderr } = await run(argv, {
      allowFailure: true,
    });
    rmSync(folder, { recursive: true });
    expect(stderr).toMatch(
      /^\nCannot start a lab in ".*": it is on an overlay; .*\nThe demo failed after /,
    );
    expect(stdout).not.toContain("everything worked");
    expect(exitCode).toBe(1);
  });
});

const overlayScript = `
  mount -t tmpfs tmpfs "$1"
  mkdir "$1/lower" "$1/upper" "$1/work" "$1/merged"
  mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" overlay "$1/merged"
  TMPDIR="$1/merged" exec "$2" "$3"`;

describe("findLeftovers()", () => {
  test(
    "sees the processes and folders of a lab that lives, and none of one that is gone",
    async () => {
      let dir = "";
      {
        await using lab = await startLab({
          hosts: [{ name: "seen", os: "debian13" }],
          mesh: false,
        });
        dir = lab.dir;
        const kinds = new Set((await findLeftovers(dir)).map((line) => line.split(" ")[0]));
        // The lab's mounts are in name spaces of its own; its cgroups are seen where cgroup2 is mounted.
        expect([...kinds].filter((kind) => kind !== "cgroup").sort()).toEqual([
          "folder",
          "process",
        ]);
      }
      expect(await findLeftovers(dir)).toEqual([]);
    },
    timeoutMs,
  );
});
