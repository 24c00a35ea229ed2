/** Declarations on a real host: made, changed where they differ, edits kept, nothing done twice. */

import { beforeAll, describe, expect, test } from "bun:test";
import type { Host } from "../lab/host.ts";
import { labTimeoutMs, mbctl, mbctlOut, testedHosts, testTimeoutMs } from "./_lab.ts";
import { dataPath, hostWith, unitOf, waitForMark } from "./_machines.ts";

const app = {
  config: {
    Cmd: ["sh", "-c", "echo @@$GREETING-$FROM_IMAGE; exec sleep 1000"],
    Env: ["PATH=/bin", "FROM_IMAGE=one"],
    Volumes: { "/data": {} },
  },
  files: [{ path: "data/first", content: "of the image" }],
};
const images = { App: app };

/** As an administrator writes it. */
const declaration = `# The web of our town.
schema = 1
image = "oci:/srv/images:app" # from the layout

[env]
GREETING = "hello"
`;
const configs = "/var/lib/man8machine_configs/web";

describe.each(testedHosts)("on %s", (os) => {
  const hostOf = hostWith(os, images);
  let host: Host;
  beforeAll(() => {
    host = hostOf();
  }, labTimeoutMs);

  const write = async (text: string, path = "/srv/web.toml") =>
    await host.sh('mkdir -p "$(dirname "$2")"; printf %s "$1" >"$2"', [text, path]);
  const apply = async (...flags: string[]) =>
    await mbctl(host, ["machines", "apply", "/srv/web.toml", ...flags]);
  const read = async (path: string) => (await host.run(["cat", path])).stdout;
  const startedAt = async () =>
    (await host.run(["systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", unitOf("web")]))
      .stdout;
  const snapshot = async () =>
    (
      await host.sh(
        "cd / && mkdir -p var/lib/man8machine_configs var/lib/mbctl && find etc/systemd var/lib/man8machine_configs var/lib/mbctl -type f -printf '%p %m %T@ ' -exec sha256sum {} +",
      )
    ).stdout;

  test(
    "a dry run shows the diff and the steps, and changes nothing",
    async () => {
      await write(declaration);
      const before = await snapshot();
      const { stdout, exitCode } = await apply("--dry-run");
      expect(exitCode).toBe(0);
      expect(stdout).toContain("+++ b/var/lib/man8machine_configs/web/container.nspawn\n");
      expect(stdout).toContain("link /var/lib/machines/web -> /var/lib/man8machines/web\n");
      expect(stdout).not.toContain("hello");
      expect(await snapshot()).toBe(before);
    },
    testTimeoutMs,
  );

  test(
    "the machine is made and started; its machine.toml is the declaration, with digests in it",
    async () => {
      const { exitCode, stderr } = await apply("--start");
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      await waitForMark(host, "web", "hello-one");
      const toml = await read(`${configs}/machine.toml`);
      expect(toml).toStartWith(
        '# The web of our town.\nschema = 1\nimage = { reference = "oci:/srv/images:app", digest = "sha256:',
      );
      expect(toml).toContain("# from the layout\n");
      expect(toml).toContain(
        '[[volumes]] # the image declares it\npath = "/data"\nkind = "data"\n',
      );
      expect(await read(dataPath("web", "/data/first"))).toBe("of the image");
    },
    testTimeoutMs,
  );

  test(
    "a second run does nothing",
    async () => {
      const [before, since] = [await snapshot(), await startedAt()];
      const { exitCode, stdout, stderr } = await apply();
      expect([exitCode, stdout, stderr]).toEqual([0, "", "web: nothing to do\n"]);
      expect((await apply("--start")).stderr).toBe("web: nothing to do\n");
      expect([await snapshot(), await startedAt()]).toEqual([before, since]);
    },
    testTimeoutMs,
  );

  test(
    "one that was stopped is started, where that is wanted",
    async () => {
      await mbctlOut(host, ["machines", "stop", "web"]);
      expect((await apply("--start", "--dry-run")).stderr).toContain("web: is started\n");
      expect((await apply()).stderr).toBe("web: nothing to do\n");
      await host.sh("! systemctl --quiet is-active systemd-nspawn@web.service");
      expect((await apply("--start")).stderr).toBe("web: nothing to do\nweb: is started\n");
      await host.sh("systemctl --quiet is-active systemd-nspawn@web.service");
    },
    testTimeoutMs,
  );

  test(
    "edits by hand survive each change, of all three files; what is live restarts nothing",
    async () => {
      await host.sh(`cd ${configs}
        sed -i 's/^\\[Files\\]/[Files]\\n# ours\\nBindReadOnly=\\/etc\\/hostname:\\/host-name:rbind/' container.nspawn
        printf '# a note\\nBY_HAND=kept\\n' >>man8env.env
        printf '[Service]\\nNice=5\\n' >>/etc/systemd/system/systemd-nspawn@web.service.d/50-mbctl.conf`);
      const shown = await mbctlOut(host, ["machines", "diff", "web"]);
      expect(shown).toContain("+BindReadOnly=/etc/hostname:/host-name:rbind\n");
      expect(shown).toContain("+BY_HAND=(hidden)\n");
      expect(shown).toContain("+Nice=5");
      const since = await startedAt();
      await write(declaration.replace("[env]", '[limits]\nmemory = "100M"\n\n[env]'));
      const { exitCode, stderr } = await apply();
      expect([exitCode, stderr]).toEqual([0, "web: changes machine.toml, 50-mbctl.conf\n"]);
      expect(await startedAt()).toBe(since);
      // The lab has no memory controller: what systemd holds the unit to.
      const limit = await host.run(["systemctl", "show", "-P", "MemoryMax", unitOf("web")]);
      expect(limit.stdout.trim()).toBe(String(100 * 1024 ** 2));
      await write(declaration.replace("hello", "good day"));
      const changed = await apply();
      expect(changed.exitCode).toBe(0);
      expect(changed.stderr).toContain("web: is restarted, for man8env.env\n");
      await waitForMark(host, "web", "good day-one");
      expect(await startedAt()).not.toBe(since);
      const nspawn = await read(`${configs}/container.nspawn`);
      expect(nspawn).toContain("# ours\nBindReadOnly=/etc/hostname:/host-name:rbind\n");
      expect(await read(`${configs}/man8env.env`)).toContain("# a note\nBY_HAND=kept\n");
      const unit = await host.run(["systemctl", "show", "-P", "Nice", unitOf("web")]);
      expect(unit.stdout.trim()).toBe("5");
    },
    testTimeoutMs,
  );

  test(
    "what both sides changed is a conflict with both shown; nothing has changed then",
    async () => {
      await host.sh(`sed -i 's/^GREETING=.*/GREETING=by hand/' ${configs}/man8env.env`);
      const before = await snapshot();
      await write(declaration.replace("hello", "from the file"));
      const refused = await apply();
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain("man8env.env, GREETING");
      expect(refused.stderr).toContain("hint: --ours keeps yours, --theirs takes mbctl's");
      expect(refused.stderr).not.toContain("by hand");
      expect(await snapshot()).toBe(before);
      expect((await apply("--ours", "--no-restart")).exitCode).toBe(0);
      expect(await read(`${configs}/man8env.env`)).toContain("GREETING=by hand\n");
      await write(declaration.replace("hello", "at last"));
      expect((await apply("--theirs")).exitCode).toBe(0);
      await waitForMark(host, "web", "at last-one");
    },
    testTimeoutMs,
  );

  test(
    "an edit of machine.toml itself is not overwritten by the file that it came from",
    async () => {
      await host.sh(`sed -i 's/at last/edited/' ${configs}/machine.toml`);
      await write(declaration.replace("hello", "another"));
      const refused = await apply();
      expect([refused.exitCode, refused.stderr]).toEqual([
        4,
        expect.stringContaining('machine.toml of "web" was edited since it was applied'),
      ]);
      expect((await mbctl(host, ["machines", "apply", "web"])).exitCode).toBe(0);
      await waitForMark(host, "web", "edited-one");
    },
    testTimeoutMs,
  );

  test(
    "a volume that gets another place is asked about, and its data moves with it",
    async () => {
      await host.sh(`echo mine >${dataPath("web", "/data/second")}`);
      await write(
        `${declaration.replace("hello", "edited")}\n[[volumes]]\npath = "/data"\nkind = "config"\n`,
      );
      const asked = await apply("--theirs");
      expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringContaining("--yes")]);
      expect(await read(dataPath("web", "/data/second"))).toBe("mine\n");
      expect((await apply("--theirs", "--yes")).exitCode).toBe(0);
      expect(await read(`${configs}/data/second`)).toBe("mine\n");
      expect(await read(`${configs}/data/first`)).toBe("of the image");
      const gone = await host.run(["test", "-e", dataPath("web", "/data")], { allowFailure: true });
      expect(gone.exitCode).toBe(1);
      await mbctlOut(host, ["machines", "shell", "web", "--", "test", "-e", "/data/second"]);
    },
    testTimeoutMs,
  );

  test(
    "edit opens an editor, and applies what it left; what cannot be read is kept",
    async () => {
      const edit = async (editor: string) =>
        await mbctl(host, ["machines", "edit", "web", "--yes"], { env: { EDITOR: editor } });
      const done = await edit("sed -i s/edited/by-editor/");
      expect([done.exitCode, done.stderr]).toEqual([0, expect.any(String)]);
      await waitForMark(host, "web", "by-editor-one");
      expect((await edit("true")).stderr).toContain("nothing was changed");
      const broken = await edit("sed -i s/schema/shcema/");
      expect(broken.exitCode).toBe(2);
      expect(broken.stderr).toContain('unknown key "shcema", did you mean "schema"?');
      expect((await edit("false")).stderr).toContain('the editor "false" failed');
      expect(await host.sh("cat /var/lib/mbctl/edit-*/*")).toMatchObject({
        stdout: expect.stringContaining("shcema = 1\n"),
      });
      expect((await host.sh("ls -d /var/lib/mbctl/edit-* | wc -l")).stdout.trim()).toBe("1");
    },
    testTimeoutMs,
  );

  test(
    "a folder of machines that depend on each other is made in their order",
    async () => {
      const part = (name: string, depends: string) =>
        write(`schema = 1\nimage = "oci:/srv/images:app"\n${depends}`, `/srv/town/${name}.toml`);
      await part("a", 'depends = ["b"]\n');
      await part("b", "");
      const { exitCode, stderr } = await mbctl(host, ["machines", "apply", "/srv/town", "--start"]);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      await waitForMark(host, "a", "-one");
      const again = await mbctl(host, ["machines", "apply", "/srv/town"]);
      expect(again.stderr).toBe("b: nothing to do\na: nothing to do\n");
      // What is wrong with the last of them stops the first one, too.
      await part("b", '\n[env]\nNEW = "1"\n');
      await part("a", 'depends = ["b"]\nallow = ["nobody@nowhere"]\n');
      const stopped = await mbctl(host, ["machines", "apply", "/srv/town"]);
      expect([stopped.exitCode, stopped.stderr]).toEqual([2, expect.stringContaining("nowhere")]);
      expect(await read("/var/lib/man8machine_configs/b/man8env.env")).not.toContain("NEW=");
      await part("a", 'depends = ["b"]\n');
      await part("b", 'depends = ["a"]\n');
      const cycle = await mbctl(host, ["machines", "apply", "/srv/town"]);
      expect([cycle.exitCode, cycle.stderr]).toEqual([
        2,
        expect.stringContaining("wait for each other"),
      ]);
    },
    testTimeoutMs,
  );
});
