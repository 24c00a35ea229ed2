import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { applyAdoption, prepareAdoption } from "../../lib/adopt/adopt.ts";
import { recoverChange } from "../../lib/change/apply_change.ts";
import { journalStep } from "../../lib/change/journal.ts";
import { readPresentMachine } from "../../lib/change/present_machine.ts";
import { rerender } from "../../lib/change/rerender.ts";
import { unknownDigest } from "../../lib/image/digest.ts";
import { type Host, openHost } from "../../lib/host/host.ts";
import { applySteps } from "../../lib/steps/apply.ts";
import { readDetails } from "../../lib/details/machine_details.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parseMachineToml } from "../../lib/spec/machine_toml.ts";
import { snapshot } from "../machine/_snapshot.ts";
import { facts, prefixText } from "../transfer/_machine.ts";

setDefaultTimeout(60_000);
const vault = parseMachineName("vault");
const nspawn = `# mine
[Exec]
Parameters=/sbin/busybox-init.sh
ProcessTwo=yes
Hostname=vault-1
Environment="PATH=/bin"
[Network]
VirtualEthernet=yes
Bridge=srvgrp0
[Files]
Bind=/var/lib/man8machine_configs/vault/man8env.env:/man8env.env:idmap
Bind=/srv/own:/own
`;
const env = `MAN8S_CONTAINER_NAME=vault
MAN8S_OCI_IMAGE_URL=bitwarden/self-host
MAN8S_APPLICATION_ARGS=serve $PORT
PORT=80
`;

describe.skipIf(Bun.which("busybox") === null)("adopting", () => {
  let dir: string;
  let root: string;
  let host: Host;
  const paths = () => machinePaths(root, vault);
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "mbctl-adopt-"));
    root = join(dir, "root");
    put(join(root, "etc/mbctl/config.toml"), `prefix = "${prefixText}"\n`);
    put(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
    host = openHost({ root, log: { command: () => {} } });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function put(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** One of the earlier mbctl. */
  function installEarlier(): void {
    put(paths().nspawn, nspawn);
    put(paths().envFile, env);
    put(join(paths().tree, "bin/app"), "app");
    mkdirSync(dirname(paths().nspawnLink), { recursive: true });
    symlinkSync(paths().nspawn, paths().nspawnLink);
  }

  /** One by hand. */
  function installPlain(): void {
    put(paths().nspawnLink, nspawn);
    put(join(paths().machineLink, "bin/app"), "app");
  }

  const prepare = async (takesInit = false) =>
    await prepareAdoption(host, { name: vault, takesInit, warn: () => {} });
  const read = (path: string) => readFileSync(path, "utf8");

  test("one of the earlier mbctl keeps its files to the byte", async () => {
    installEarlier();
    const { change, notes } = await prepare();
    await applyAdoption(change, { host });
    expect(read(paths().nspawn)).toBe(nspawn);
    expect(read(paths().envFile)).toBe(env);
    const spec = parseMachineToml(read(paths().machineToml), "machine.toml");
    expect(spec).toMatchObject({
      name: "vault",
      image: { reference: "docker.io/bitwarden/self-host:latest", digest: unknownDigest },
      environment: [["PORT", "80"]],
      volumes: [{ path: "/own", kind: "host", source: "/srv/own" }],
    });
    expect(notes).toEqual([
      "its command line is one for a shell: machine.toml runs it by /bin/sh -c",
      "which docker.io/bitwarden/self-host:latest it was made of is not known: mbctl machines upgrade takes today's",
      "its init stays /sbin/busybox-init.sh: --init gives it man8s-init, which sets addresses and variables",
      "kept as it stands: [Exec] Hostname=vault-1",
    ]);
    expect(readlinkSync(paths().machineLink)).toBe("/var/lib/man8machines/vault");
    expect(readlinkSync(paths().nspawnLink)).toBe(
      "/var/lib/man8machine_configs/vault/container.nspawn",
    );
  });

  test("what differs from mbctl's own rendering outlives the next one", async () => {
    installEarlier();
    await applyAdoption((await prepare()).change, { host });
    const present = readPresentMachine(host, vault);
    if (present.image === undefined) throw new Error("There is no image");
    const spec = { ...present.spec, environment: [["PORT", "81"] as const] };
    const { merged, conflicts } = rerender(present, spec, present.image.config, facts);
    expect(conflicts).toEqual([]);
    expect(merged.nspawn).toBe(nspawn);
    expect(merged.envFile).toBe(env.replace("PORT=80", "PORT=81"));
  });

  test("with --init its files are ours, and the lines that machine.toml has no word for", async () => {
    installEarlier();
    await applyAdoption((await prepare(true)).change, { host });
    const text = read(paths().nspawn);
    expect(text).toContain("Parameters=/man8s-init/00-init.sh\n");
    expect(text).not.toContain("busybox-init");
    expect(text.endsWith("\n[Exec]\nHostname=vault-1\n")).toBe(true);
    expect(read(paths().envFile)).toContain("\nMAN8S_APPLICATION_ARGS=serve $PORT\n");
    expect(existsSync(join(paths().tree, "man8s-init/00-init.sh"))).toBe(true);
  });

  test("one by hand moves to its place", async () => {
    installPlain();
    const { change, notes } = await prepare();
    await applyAdoption(change, { host });
    expect(read(paths().nspawn)).toBe(nspawn);
    expect(read(join(paths().tree, "bin/app"))).toBe("app");
    expect(read(join(paths().machineLink, "..", "..", "man8machines/vault/bin/app"))).toBe("app");
    expect(read(paths().envFile)).not.toContain("ADDRESS");
    expect(notes).toContain(
      "its image is not known: rebuild and upgrade need --to IMAGE; --image says it now",
    );
  });

  test.each([
    ["one of the earlier mbctl", () => installEarlier()],
    ["one by hand", () => installPlain()],
  ])("what a kill leaves of %s is ended", async (_, install) => {
    install();
    const before = snapshot(dir);
    const { change } = await prepare();
    await applyAdoption(change, { host });
    const after = snapshot(dir);
    const points = [
      ...change.prepare.map((_, index) => [index, 0] as const),
      ...change.redo.map((_, index) => [change.prepare.length, index] as const),
    ];
    for (const [prepared, done] of points) {
      rmSync(root, { recursive: true });
      put(join(root, "etc/mbctl/config.toml"), `prefix = "${prefixText}"\n`);
      put(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
      install();
      const again = (await prepare()).change;
      const { verb } = again;
      const marker = paths().changeMarker;
      mkdirSync(dirname(marker), { recursive: true });
      const begin = journalStep(marker, { phase: "prepare", verb, steps: again.undo });
      await applySteps([begin, ...again.prepare.slice(0, prepared)], { host });
      const isDecided = prepared === again.prepare.length;
      if (isDecided) {
        const decision = journalStep(marker, { phase: "commit", verb, steps: again.redo });
        await applySteps([decision, ...again.redo.slice(0, done)], { host });
      }
      await recoverChange(host, vault, { host });
      // Folders of mbctl's own that were not there before may stay.
      const files = (lines: readonly string[]) =>
        lines.filter((line) => !/\/ 7\d\d 0:0$/.test(line));
      expect({ prepared, done, tree: files(snapshot(dir)) }).toEqual({
        ...{ prepared, done },
        tree: files(isDecided ? after : before),
      });
    }
  });

  test("refuses what is not there, what is ours, and a disk image", async () => {
    await expect(prepare()).rejects.toThrow('Cannot adopt "vault": there is no such machine');
    put(`${paths().machineLink}.raw`, "");
    await expect(prepare()).rejects.toThrow('Cannot adopt "vault": it is a disk image');
    installEarlier();
    await applyAdoption((await prepare()).change, { host });
    await expect(prepare()).rejects.toThrow(
      'Cannot adopt "vault": it is a machine of mbctl already',
    );
  });

  test("refuses one with two nspawn files that differ", async () => {
    installEarlier();
    rmSync(paths().nspawnLink);
    put(paths().nspawnLink, "[Exec]\nBoot=no\n");
    await expect(prepare()).rejects.toThrow("only one of them can stay");
  });

  test("machines show says that its image's digest is not known", async () => {
    installEarlier();
    await applyAdoption((await prepare()).change, { host });
    const facts = await readDetails(host, vault);
    expect(facts.find(({ name }) => name === "digest")?.value).toBe("not known");
  });

  test("with --init owners on the disk stay those that systemd-nspawn gave", async () => {
    installEarlier();
    const text = nspawn.replace("man8env.env:idmap", "man8env.env");
    writeFileSync(paths().nspawn, text);
    chownSync(paths().tree, 70_000_000, 70_000_000);
    await applyAdoption((await prepare(true)).change, { host });
    const lines = read(paths().nspawn).split("\n");
    expect(lines).toContain("PrivateUsersOwnership=chown");
    expect(lines).toContain("Bind=/srv/own:/own");
    expect(lines).toContain(
      "Bind=/var/lib/man8machine_configs/vault/man8env.env:/man8env.env:idmap",
    );
  });

  test("refuses man8s-init for a whole system", async () => {
    put(paths().nspawnLink, "[Exec]\nBoot=yes\n");
    put(join(paths().machineLink, "sbin/init"), "init");
    await expect(prepare(true)).rejects.toThrow('Cannot give "vault" man8s-init');
    const { change, notes } = await prepare();
    expect(notes).toContain(
      "it boots an init of its own: mbctl gives it no address and no variables",
    );
    await applyAdoption(change, { host });
    expect(read(paths().unitDropIn)).toBe("# Left to the machine's own init.\n");
  });
});
