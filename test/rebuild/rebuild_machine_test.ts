/** Machines of which there is not all, below a folder: what is made, what is kept, what is refused. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { canPull, OuterHost } from "../machine/_outer_host.ts";

const timeoutMs = 60_000;

describe.skipIf(!canPull)("machines rebuild", () => {
  let host: OuterHost;
  const below = (path: string) => join(host.root, path);
  const configuration = (name: string) => below(`var/lib/man8machine_configs/${name}`);
  const read = (path: string) => readFileSync(path, "utf8");
  const edit = (path: string, change: (text: string) => string) =>
    writeFileSync(path, change(read(path)));
  const lose = (name: string) => {
    for (const path of [`var/lib/man8machines/${name}`, `var/lib/machines/${name}`]) {
      rmSync(below(path), { recursive: true });
    }
  };
  /** The same configuration under another name, as somebody who restores two hosts onto one may have it. */
  const copy = (to: string) => {
    cpSync(configuration("web"), configuration(to), { recursive: true });
    cpSync(below("var/lib/man8machine_storage/web"), below(`var/lib/man8machine_storage/${to}`), {
      recursive: true,
    });
    for (const file of ["machine.toml", ".mbctl/machine.toml"]) {
      edit(join(configuration(to), file), (text) =>
        text.replace('name = "web"', `name = "${to}"`).replace("8080:80", "8081:80"),
      );
    }
  };
  const rebuild = async (...words: string[]) => await host.run(["machines", "rebuild", ...words]);

  beforeAll(async () => {
    host = await OuterHost.create();
    expect(await host.run([...host.pullWords, "--publish=8080:80"])).toMatchObject({ exitCode: 0 });
    host.keep("made");
  }, timeoutMs);
  beforeEach(() => host.bringBack("made"));
  afterAll(() => host?.[Symbol.dispose]());

  test(
    "gives an address anew that another machine has, and refuses a port that another has",
    async () => {
      copy("twin");
      const first = await rebuild("twin");
      expect(first).toMatchObject({ exitCode: 0 });
      expect(first.stderr).toContain(
        'warning: 10.199.0.2 of "twin" is that of "web": it gets another address\n',
      );
      expect(read(join(configuration("twin"), "machine.toml"))).toContain('ipv4 = "10.199.0.3"\n');
      expect(read(join(configuration("twin"), "man8env.env"))).toContain(
        "MAN8S_IPV4_ADDRESS=10.199.0.3/24\n",
      );
      lose("twin");
      edit(join(configuration("twin"), "machine.toml"), (text) => text.replace("8081", "8080"));
      const second = await rebuild("twin");
      expect([second.exitCode, second.stderr]).toEqual([4, expect.stringContaining("8080")]);
      expect(existsSync(below("var/lib/man8machines/twin"))).toBe(false);
    },
    timeoutMs,
  );

  test(
    "refuses a name that this host cannot tell from another machine's",
    async () => {
      copy("WEB");
      const { exitCode, stderr } = await rebuild("--all");
      expect([exitCode, stderr]).toEqual([
        4,
        expect.stringContaining('"WEB": resolvers cannot tell it from "web"'),
      ]);
    },
    timeoutMs,
  );

  test(
    "fills a data folder that is lost from the image, and says so",
    async () => {
      lose("web");
      const folder = below("var/lib/man8machine_storage/web");
      rmSync(folder, { recursive: true });
      const { exitCode, stderr } = await rebuild("web");
      expect([exitCode, stderr]).toEqual([
        0,
        expect.stringContaining(`"web" has lost ${folder}/data: the volume /data is as the image`),
      ]);
      expect(read(join(folder, "data/one"))).toBe("data");
    },
    timeoutMs,
  );

  test(
    "makes nothing in the storage that a whole system writes to: a link there leads to the host",
    async () => {
      const storage = below("var/lib/man8machine_storage/web");
      const prize = below("srv/prize");
      mkdirSync(prize, { recursive: true });
      for (const file of ["machine.toml", ".mbctl/machine.toml"]) {
        edit(join(configuration("web"), file), (text) => {
          const [image = ""] = /^\[image\]\n(\w.*\n)+/m.exec(text) ?? [];
          const head = 'schema = 1\nname = "web"\nmode = "base"\n';
          return `${head}${image}[[volumes]]\npath = "/in/data"\nkind = "data"\n`;
        });
      }
      symlinkSync(prize, join(storage, "in"));
      const { exitCode, stderr } = await rebuild("web", "--yes");
      expect([exitCode, stderr]).toEqual([
        4,
        expect.stringContaining(`it has lost ${storage}/in/data, and may have made links in`),
      ]);
      expect(readdirSync(prize)).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "drops a change that had been begun where the tree is gone",
    async () => {
      lose("web");
      const marker = below("var/lib/man8machine_configs/.mbctl-change.web");
      const steps = [{ kind: "move", from: below("gone"), to: below("var/lib/man8machines/web") }];
      const journal = { phase: "commit", verb: "upgrade", steps };
      writeFileSync(marker, JSON.stringify({ version: 1, journal }));
      const { exitCode, stderr } = await rebuild("--all");
      expect([exitCode, stderr]).toEqual([
        0,
        expect.stringContaining('a change of "web" had been begun when it lost its tree'),
      ]);
      expect(existsSync(marker)).toBe(false);
      expect(existsSync(below("var/lib/man8machines/web"))).toBe(true);
    },
    timeoutMs,
  );

  test.each([
    [
      "a file where the link is to be",
      () => writeFileSync(below("etc/systemd/nspawn/web.nspawn"), "mine"),
      "web.nspawn is there, and no link",
    ],
    [
      "an edit that moves data",
      () =>
        edit(join(configuration("web"), "machine.toml"), (text) =>
          text.replace('path = "/data"\nkind = "data"', 'path = "/data"\nkind = "config"'),
        ),
      "its machine.toml was edited to move data, /data: from",
    ],
    [
      "an edit of what is another address now",
      () => {
        edit(join(configuration("web"), "man8env.env"), (text) =>
          text.replace(/(MAN8S_IPV4_ADDRESS=).*/, "$110.199.0.77/24"),
        );
        edit(below("etc/mbctl/config.toml"), (text) => `${text}ipv4 = "10.77.0.0/24"\n`);
      },
      "Cannot merge your edits",
    ],
  ] as const)(
    "%s stops it before anything is made",
    async (_, prepare, words) => {
      lose("web");
      rmSync(below("etc/systemd/nspawn/web.nspawn"));
      prepare();
      const before = host.snapshot();
      const { exitCode, stderr } = await rebuild("web");
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining(words)]);
      const isLock = (line: string) => line.includes("root/run");
      expect(host.snapshot().filter((line) => !isLock(line))).toEqual(
        before.filter((line) => !isLock(line)),
      );
    },
    timeoutMs,
  );
});
