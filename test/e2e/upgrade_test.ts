/** Machines are given newer images, by a registry whose tags move; what does not do is taken back. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Host } from "../lab/host.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { Registry } from "../lab/registry.ts";
import { waitFor } from "../lab/wait_for.ts";
import { FetchLoop } from "./_fetch_loop.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { dataPath, type ImageRecipe, unitOf, writeImages } from "./_machines.ts";

/** Serves its name on port 80, once it has noted it in its data. */
function web(name: string, more: Readonly<Record<string, unknown>> = {}): ImageRecipe {
  const script = `echo ${name} >/tmp/index.html; echo ${name} >>/data/starts; exec httpd -f -p 80 -h /tmp`;
  return {
    config: {
      Env: ["PATH=/bin", `COLOUR=${name}`],
      Cmd: ["sh", "-c", script],
      Volumes: { "/data": {} },
      ...more,
    },
  };
}

const seconds = 1_000_000_000;
const check = { Interval: seconds / 5, Retries: 2, Timeout: seconds };
const images: Readonly<Record<string, ImageRecipe>> = {
  one: web("one"),
  two: web("two", { ExposedPorts: { "80/tcp": {} }, StopSignal: "SIGTERM" }),
  dead: { config: { ...web("dead").config, Cmd: ["sh", "-c", "echo bye; exit 3"] } },
  sick: web("sick", { Healthcheck: { Test: ["CMD", "false"], ...check } }),
  slow: web("slow", {
    Healthcheck: { Test: ["CMD", "test", "-e", "/data/well"], ...check, Retries: 1000 },
  }),
  other: web("other", { User: "1000:1000", Volumes: { "/data": {}, "/more": {} } }),
};
const folder = (name: string) => `/var/lib/man8machine_configs/${name}`;
const dropIn = `/etc/systemd/system/${unitOf("Web")}.d`;
const flags = ["--tls-verify=false"];
const reference = "localhost:5000/web:latest";

describe.each(testedHosts)("machines upgrade on %s", (os) => {
  let lab: Lab;
  let host: Host;
  let registry: Registry;
  let layout: string;
  let address = "";
  let loop: FetchLoop;

  const move = async (image: string, tag = "latest") =>
    await registry.push(layout, "web", { from: image, tag });
  const upgrade = async (...words: string[]) =>
    await mbctl(host, ["machines", "upgrade", ...words, ...flags]);
  /** All that is kept of a machine's files by their bytes, and what the administrator wrote. */
  const edits = async () =>
    (
      await host.sh(
        `grep -h '# mine' ${folder("Web")}/* ${dropIn}/*.conf; cat ${dropIn}/90-mine.conf; grep -h COLOUR ${folder("Web")}/man8env.env`,
      )
    ).stdout;

  beforeAll(async () => {
    lab = await startLab({
      hosts: [
        { name: "hosta", os },
        { name: "hostb", os },
      ],
      mbctl: true,
    });
    host = lab.host("hosta");
    registry = await Registry.start(host);
    const written = await writeImages(join(host.dir, "web-images"), images);
    const elsewhere = { platform: { os: "linux", architecture: "s390x" }, layers: [], config: {} };
    await written.tag("elsewhere", await written.addImage(elsewhere));
    layout = written.dir;
    await move("one");
    address = await mbctlOut(host, [
      ...["machines", "pull", reference, "Web", "--mount", "/data=data", "--start"],
      ...[...flags, "--allow", "hostb"],
    ]);
    await host.sh(
      `cd ${folder("Web")}; echo '# mine: the settings' >>container.nspawn; echo '# mine: the variables' >>man8env.env
       sed -i '1i # mine: the unit' ${dropIn}/50-mbctl.conf; printf '[Service]\\nNice=3\\n' >${dropIn}/90-mine.conf; systemctl daemon-reload`,
    );
    loop = await FetchLoop.start(lab.host("hostb"), `http://[${address}]/`);
  }, labTimeoutMs);
  afterAll(async () => {
    await loop?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  }, labTimeoutMs);

  test(
    "`outdated` says what has moved, what is pinned, and what nobody answers for",
    async () => {
      const states = async (...words: string[]) => {
        const { exitCode, stdout } = await mbctl(host, [
          ...["machines", "outdated", "--json", ...flags, ...words],
        ]);
        const { machines } = JSON.parse(stdout) as {
          machines: { name: string; state: string; reason?: string }[];
        };
        return [exitCode, ...machines.map(({ name, state }) => `${name}: ${state}`)];
      };
      expect(await states("--exit-code")).toEqual([0, "Web: up to date"]);
      const { digest } = await move("two");
      expect(await states()).toEqual([0, "Web: outdated"]);
      expect(await states("Web", "--exit-code")).toEqual([1, "Web: outdated"]);
      const pinned = `localhost:5000/web@${digest}`;
      await mbctlOut(host, [
        "machines",
        "pull",
        pinned,
        "Pinned",
        "--mount",
        "/data=data",
        ...flags,
      ]);
      await host.sh(
        `cp -a ${folder("Pinned")} ${folder("Lost")}; sed -i 's/^name = .*/name = "Lost"/; s/^reference = .*/reference = "localhost:5999\\/web:1"/' ${folder("Lost")}/machine.toml`,
      );
      expect(await states()).toEqual([...[5, "Lost: unknown", "Pinned: pinned", "Web: outdated"]]);
      const { stdout } = await mbctl(host, ["machines", "outdated", ...flags]);
      expect(stdout).toMatch(/^Lost +localhost:5999\/web:1 +[0-9a-f]{12} +- +unknown: Cannot /m);
      await host.run(["rm", "-r", folder("Lost")]);
    },
    testTimeoutMs,
  );

  test(
    "a dry run says what changes; the upgrade keeps address, data and edits, and is seen as a restart",
    async () => {
      const before = await edits();
      const dry = await upgrade("Web", "--dry-run");
      expect(dry.stderr).toBe(
        [
          `Web: ${reference} -> ${reference}`,
          "Web:   command: sh -c 'echo one >/tmp/index.html; echo one >>/data/starts; exec httpd -f -p 80 -h /tmp' -> sh -c 'echo two >/tmp/index.html; echo two >>/data/starts; exec httpd -f -p 80 -h /tmp'",
          "Web:   stop signal: new, SIGTERM",
          "Web:   variable COLOUR: one -> two",
          "Web:   port 80/tcp: new",
          "",
        ].join("\n"),
      );
      expect(dry.stdout).toContain("systemctl stop systemd-nspawn@Web.service\n");
      expect(await edits()).toBe(before);

      const { mark } = loop;
      const { exitCode, stdout, stderr } = await upgrade("Web", "--grace", "2");
      expect([exitCode, stderr]).toEqual([0, expect.stringContaining("COLOUR: one -> two")]);
      expect(stdout).toMatch(
        /^NAME +FROM +TO +STATE\nWeb +[0-9a-f]{12} +[0-9a-f]{12} +upgraded\n$/,
      );
      await loop.answer(/ two\n/, mark);
      const seen = loop.since(mark);
      console.log(`${os}: the gap of an upgrade: ${seen.gaps.map(({ ms }) => `${ms} ms`)}`);
      expect(seen).toEqual({
        gaps: [{ ms: expect.any(Number), before: "one", after: "two" }],
        answers: ["one", "two"],
      });
      expect(seen.gaps[0]?.ms).toBeLessThan(10_000);
      expect(await edits()).toBe(before.replace("COLOUR=one", "COLOUR=two"));
      expect(await host.readFile(dataPath("Web", "/data/starts"))).toBe("one\ntwo\n");
      expect(await mbctlOut(host, ["address", "get", "Web"])).toBe(address);
    },
    testTimeoutMs,
  );

  test(
    "the same image again changes nothing; a pinned one is left alone",
    async () => {
      const stamp = async () =>
        (await host.sh(`stat -c '%n %Y %i' ${folder("Web")}/* ${folder("Web")}/.mbctl/*`)).stdout;
      const before = await stamp();
      const { mark } = loop;
      const { exitCode, stdout } = await upgrade("--all");
      expect([exitCode, stdout]).toEqual([
        0,
        expect.stringMatching(/\nPinned +(\w+) +\1 +pinned\nWeb +(\w+) +\2 +up to date\n$/),
      ]);
      expect(await stamp()).toBe(before);
      // The same by another name is only noted.
      await move("two", "same");
      for (const name of ["localhost:5000/web:same", reference]) {
        expect(await upgrade("Web", "--to", name)).toMatchObject({ exitCode: 0, stderr: "" });
        expect(await host.readFile(`${folder("Web")}/machine.toml`)).toContain(`"${name}"`);
      }
      await loop.answer(/ two\n/);
      expect(loop.since(mark).gaps).toEqual([]);
    },
    testTimeoutMs,
  );

  test.each([
    ["dead", "exited"],
    ["sick", "unhealthy"],
  ])(
    "an upgrade to an image that is %s goes back by itself, all else as it was",
    async (image, why) => {
      const before = await edits();
      const files = async () =>
        (await host.sh(`cd ${folder("Web")}; find . -type f -exec sha256sum {} + | sort -k 2`))
          .stdout;
      const [was, { mark }] = [await files(), loop];
      await move(image);
      const { exitCode, stdout, stderr } = await upgrade("Web");
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(`"Web" is not well (${why}): going back to what was before\n`);
      expect(stderr).toContain(
        `mbctl: Cannot upgrade "Web": it was not well with ${reference}, and is back on what it was\nhint: mbctl machines logs Web -n 50`,
      );
      await loop.answer(/ two\n/);
      const { gaps, answers } = loop.since(mark);
      console.log(
        `${os}: the gaps of going back from ${image}: ${gaps.map(({ ms }) => `${ms} ms`)}`,
      );
      expect(answers.filter((text) => text !== "sick")).toEqual(["two"]);
      expect(gaps.length).toBeLessThanOrEqual(2);
      for (const { ms } of gaps) expect(ms).toBeLessThan(15_000);
      expect(await edits()).toBe(before);
      expect(await files()).toBe(was);
      const { stdout: traces } = await host.sh(
        "find /var/lib/man8machine* -maxdepth 2 -name '.mbctl-*' ! -name .mbctl-snapshots; ls /var/lib/man8machines/.mbctl-snapshots/Web",
      );
      expect(traces).toMatch(/^before-upgrade-\w+\n$/);
      const { stdout: events } = await host.sh(
        "journalctl --sync; journalctl -o cat MBCTL_EVENT=went-back",
      );
      expect(events).toContain(`was not well with ${reference}, and is back on what it was`);
    },
    testTimeoutMs,
  );

  test(
    "another architecture, and what both sides changed, stop it before anything is changed",
    async () => {
      await move("elsewhere");
      const foreign = await upgrade("Web");
      expect([foreign.exitCode, foreign.stderr]).toEqual([
        2,
        expect.stringContaining("it is for linux/s390x"),
      ]);
      await move("one");
      const file = `${folder("Web")}/man8env.env`;
      await host.sh(`sed -i 's/COLOUR=two/COLOUR=mine/' ${file}`);
      const { mark } = loop;
      const { exitCode, stderr } = await upgrade("Web");
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining("man8env.env")]);
      expect(stderr).toContain("--ours keeps yours, --theirs takes mbctl's");
      await loop.answer(/ two\n/);
      expect(loop.since(mark).gaps).toEqual([]);
      expect(await upgrade("Web", "--ours", "--grace", "1")).toMatchObject({ exitCode: 0 });
      expect(await host.readFile(file)).toContain("COLOUR=mine");
      await loop.answer(/ one\n/);
    },
    testTimeoutMs,
  );

  test(
    "another user of the program is asked about; new volumes are kept as data",
    async () => {
      await move("other");
      const asked = await upgrade("Web", "--theirs");
      expect(asked).toMatchObject({ exitCode: 2 });
      expect(asked.stderr).toContain("answer with --yes");
      expect(asked.stderr).toContain("Web:   user: root -> 1000:1000\n");
      await loop.answer(/ one\n/);
      await host.sh(
        `chown -R 1000:1000 ${dataPath("Web", "/data")}; sysctl -w net.ipv4.ip_unprivileged_port_start=0`,
      );
      const { exitCode, stderr } = await upgrade("Web", "--theirs", "--yes", "--grace", "1");
      expect([exitCode, stderr]).toEqual([
        0,
        expect.stringContaining("Web: the new volume /more is kept as data"),
      ]);
      expect(await host.run(["test", "-d", dataPath("Web", "/more")])).toMatchObject({
        exitCode: 0,
      });
    },
    testTimeoutMs,
  );

  test(
    "a mbctl that is killed while it waits for health is completed by the next; others are told who works",
    async () => {
      await move("slow");
      const first = host.start(["mbctl", "machines", "upgrade", "Web", "--yes", ...flags]);
      const { mark } = loop;
      await loop.answer(/ slow\n/, mark);
      const second = await upgrade("Web");
      expect([second.exitCode, second.stderr]).toEqual([
        4,
        expect.stringMatching(
          /Cannot work on the machine "Web": another mbctl does \(process \d+\)/,
        ),
      ]);
      await first.kill("SIGKILL");
      await first.exited;
      expect(await mbctlOut(host, ["machines", "list"])).toMatch(/^Web +change unfinished/m);
      await host.run(["touch", dataPath("Web", "/data/well")]);
      const { exitCode, stdout } = await upgrade("Web");
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining("up to date")]);
      await loop.answer(/ slow\n/);
      expect(await mbctlOut(host, ["machines", "list"])).toMatch(/^Web +running/m);
    },
    testTimeoutMs,
  );

  test(
    "many at once: one that fails does not stop the others; one that is stopped stays so",
    async () => {
      for (const name of ["Still", "Twin", "Bad"]) {
        const pull = ["machines", "pull", "localhost:5000/web:many", name, "--mount", "/data=data"];
        if (name === "Still") await move("one", "many");
        await mbctlOut(host, [...pull, ...flags]);
      }
      await host.run(["rm", "-r", `${folder("Bad")}/container.nspawn`]);
      await host.sh(
        `sed -i '1i auto_upgrade = true' ${folder("Still")}/machine.toml; printf 'x = ' >>${folder("Bad")}/machine.toml`,
      );
      await mbctlOut(host, ["machines", "apply", "Still"]);
      await move("two", "many");
      const service = "mbctl-upgrade.service";
      for (const unit of [service, "mbctl-upgrade.timer"]) {
        await host.copyIn(
          join(import.meta.dir, "../../systemd-configs", unit),
          `/etc/systemd/system/${unit}`,
        );
      }
      await host.writeFile(
        "/etc/containers/registries.conf.d/lab.conf",
        '[[registry]]\nlocation = "localhost:5000"\ninsecure = true\n',
      );
      await host.sh(
        `systemctl daemon-reload; systemd-analyze verify mbctl-upgrade.timer ${service}`,
      );
      await host.run(["systemctl", "start", service]);
      const { stdout: said } = await host.sh('journalctl --sync; exec journalctl -o cat -u "$1"', [
        service,
      ]);
      expect(said).toMatch(/^NAME .*\nStill .* upgraded, not started$/m);
      expect(said).not.toContain("Web");
      await move("sick", "many");
      // What an mbctl made that kept nothing of its rendering.
      await host.run(["rm", "-r", `${folder("Twin")}/.mbctl`]);
      const { exitCode, stdout, stderr } = await upgrade("--all", "--yes", "--jobs", "4");
      expect(exitCode).toBe(2);
      expect(stdout).toMatch(/\nBad +- +- +failed\n/);
      expect(stdout).toMatch(/\nStill +\w+ +\w+ +upgraded, not started\n/);
      expect(stdout).toMatch(/\nTwin +\w+ +\w+ +upgraded, not started\n/);
      expect(await host.readFile(`${folder("Twin")}/man8env.env`)).toContain("COLOUR=sick");
      expect(stderr).toContain("Cannot upgrade 1 of 5 machines: Bad");
      expect(
        await host.run(["systemctl", "is-active", unitOf("Still")], { allowFailure: true }),
      ).toMatchObject({ stdout: "inactive\n" });
      await waitFor(
        async () => !(await mbctlOut(host, ["machines", "list"])).includes("unfinished"),
        { what: "all changes to end" },
      );
    },
    testTimeoutMs,
  );
});
