/** The verbs of snapshots on a host without systemd: what they say, what they refuse, what they keep. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { canPull, OuterHost, outcomeText } from "../machine/_outer_host.ts";

describe.skipIf(!canPull)("mbctl machines", () => {
  let host: OuterHost;
  const mbctl = async (...words: string[]) => await host.run(["machines", ...words]);
  const told = async (...words: string[]) => outcomeText(host, await mbctl(...words));
  const succeed = async (...words: string[]) => {
    const outcome = await mbctl(...words);
    expect(outcome).toMatchObject({ exitCode: 0 });
    return outcome;
  };
  const below = (path: string) => join(host.root, "var/lib", path);
  const configuration = (path: string) => below(join("man8machine_configs/web", path));
  const data = (path: string) => below(join("man8machine_storage/web/data", path));
  const labels = async () => {
    const { stdout } = await succeed("snapshots", "web", "--json");
    const { snapshots } = JSON.parse(stdout) as {
      snapshots: { label: string; reason: string; hasData: boolean }[];
    };
    return snapshots.map(({ label, reason, hasData }) =>
      [label.replace(/\d{8}T\d{6}Z(-\d)?/, "TIME"), reason, hasData ? "data" : ""].join(" ").trim(),
    );
  };

  beforeAll(async () => {
    host = await OuterHost.create();
    expect(await host.run(host.pullWords)).toMatchObject({ exitCode: 0 });
    await succeed("snapshot", "web", "first", "--with-data");
    host.keep("first");
  });
  beforeEach(() => host.bringBack("first"));
  afterAll(() => host?.[Symbol.dispose]());

  test("snapshot prints the label, and names the folders that are not part of it", async () => {
    const text = await told("snapshot", "web", "second");
    expect(text.replace(/copies [\d.]+ MB/, "copies SIZE")).toBe(
      `exit 0\nsecond\nnot part of it: DIR/state/own/missing\nnot part of it: DIR/state/own/empty\nnot part of it: DIR/state/own/full\ncopies SIZE: the file system shares no blocks\n`,
    );
    expect(await labels()).toEqual(["first manual data", "second manual"]);
    const { stdout } = await succeed("snapshot", "web");
    expect(stdout).toMatch(/^\d{8}T\d{6}Z\n$/);
  });

  test.each<[string[], string]>([
    [
      ["snapshot", "web", "first"],
      'exit 4\nmbctl: Cannot take the snapshot "first": there is one\nhint: choose another label, or first: mbctl machines forget web first\n',
    ],
    [
      ["snapshot", "nothing"],
      'exit 2\nmbctl: Cannot find the machine "nothing": there is no such machine\nhint: there are: web\n',
    ],
    [
      ["rollback", "web", "none"],
      'exit 2\nmbctl: Cannot find the snapshot "none" of "web": there is none\nhint: there are: first\n',
    ],
    [
      ["forget", "web", "first", "none"],
      'exit 2\nmbctl: Cannot find the snapshot "none" of "web": there is none\nhint: there are: first\n',
    ],
    [
      ["forget", "web", "first"],
      'exit 2\nmbctl: Cannot ask without a terminal: Remove the snapshot "first" of "web"?\nhint: answer with --yes\n',
    ],
    [
      ["rollback", "web", "--discard"],
      'exit 2\nmbctl: Cannot ask without a terminal: Remove the present tree and configuration of "web"?\nhint: answer with --yes\n',
    ],
  ])("%p is refused, and changes nothing", async (words, wanted) => {
    const before = host.snapshot();
    expect((await told(...words)).replace(/^copies .*\n/m, "")).toBe(wanted);
    expect(host.snapshot()).toEqual(before);
  });

  test("rollback refuses data that is not part of the snapshot, a snapshot of another name, a part that is gone", async () => {
    await succeed("snapshot", "web", "bare");
    expect(await told("rollback", "web", "bare", "--with-data")).toBe(
      'exit 4\nmbctl: Cannot go back to "bare" of "web": the data is not part of it\nhint: leave out --with-data: the data stays as it is\n',
    );
    const document = below("man8machines/.mbctl-snapshots/web/bare/snapshot.json");
    writeFileSync(document, readFileSync(document, "utf8").replace('"web"', '"old"'));
    expect(await told("rollback", "web", "bare")).toBe(
      'exit 4\nmbctl: Cannot go back to "bare" of "web": the machine\'s name was "old" then\nhint: mbctl machines rename web old gives it that name again\n',
    );
    rmSync(below("man8machine_configs/.mbctl-snapshots/web/first"), { recursive: true });
    expect(await told("rollback", "web", "first")).toMatch(
      /^exit 4\nmbctl: Cannot go back to "first" of "web": .*\/\.mbctl-snapshots\/web\/first is missing\nhint: mbctl machines forget web first\n$/,
    );
  });

  test("rollback takes back files as they were, and leaves the data without being told", async () => {
    appendFileSync(configuration("container.nspawn"), "# mine\n");
    writeFileSync(configuration("conf/one"), "edited");
    writeFileSync(data("one"), "written");
    await succeed("rollback", "web");
    expect(readFileSync(configuration("container.nspawn"), "utf8")).not.toContain("# mine");
    expect(readFileSync(configuration("conf/one"), "utf8")).toBe("conf");
    expect(readFileSync(data("one"), "utf8")).toBe("written");
    expect(await labels()).toEqual(["first manual data", "before-rollback-TIME rollback"]);
    await succeed("rollback", "web", "first", "--with-data");
    expect(readFileSync(data("one"), "utf8")).toBe("data");
    // The latest is the state before: two of them in a row change nothing.
    await succeed("rollback", "web", "--with-data");
    expect(readFileSync(data("one"), "utf8")).toBe("written");
  });

  test("rollback keeps secrets as they are now, and brings back those that were removed", async () => {
    const secret = (name: string) => configuration(`.mbctl/secrets/${name}.cred`);
    const then = below("man8machine_configs/.mbctl-snapshots/web/first/.mbctl/secrets");
    for (const folder of [configuration(".mbctl/secrets"), then])
      mkdirSync(folder, { recursive: true });
    writeFileSync(join(then, "changed.cred"), "then");
    writeFileSync(join(then, "removed.cred"), "then");
    writeFileSync(secret("changed"), "now");
    writeFileSync(secret("new"), "now");
    await succeed("rollback", "web", "first");
    expect(["changed", "removed", "new"].map((name) => readFileSync(secret(name), "utf8"))).toEqual(
      ["now", "then", "now"],
    );
  });

  test("rollback keeps the address, also when the host was renumbered since", async () => {
    const config = join(host.root, "etc/mbctl/config.toml");
    const text = readFileSync(config, "utf8").replace("300:2e98:a4b0:1789", "300:2e98:a4b0:4444");
    writeFileSync(config, text);
    await succeed("rollback", "web", "first");
    const environment = readFileSync(configuration("man8env.env"), "utf8");
    expect(/^MAN8S_YGGDRASIL_ADDRESS=300:2e98:a4b0:4444:/m.test(environment)).toBe(true);
    expect(environment).not.toContain("1789");
  });

  test("rollback works for a machine whose machine.toml somebody broke", async () => {
    writeFileSync(configuration("machine.toml"), "= x");
    await succeed("rollback", "web", "first");
    await succeed("show", "web");
  });

  test("reset makes the tree anew, and refuses an image that is another by now", async () => {
    writeFileSync(below("man8machines/web/mine"), "");
    writeFileSync(configuration("conf/one"), "edited");
    await succeed("reset", "web");
    expect(existsSync(below("man8machines/web/mine"))).toBe(false);
    expect(readFileSync(configuration("conf/one"), "utf8")).toBe("edited");
    expect(await labels()).toEqual(["first manual data", "before-reset-TIME reset"]);
    const toml = readFileSync(configuration("machine.toml"), "utf8");
    const other = toml.replace(/(manifest_digest = "sha256:)......../, "$100000000");
    expect(other).not.toBe(toml);
    writeFileSync(configuration("machine.toml"), other);
    expect(await told("reset", "web")).toBe(
      `exit 4\nmbctl: Cannot reset "web": oci:DIR/image:latest is not the image that it was made of\nhint: mbctl machines upgrade web takes the new one\n`,
    );
  });

  test("--discard keeps nothing", async () => {
    writeFileSync(below("man8machines/web/mine"), "");
    await succeed("rollback", "web", "first", "--with-data", "--discard", "--yes");
    await succeed("reset", "web", "--discard", "--yes");
    expect(await labels()).toEqual(["first manual data"]);
    for (const folder of ["man8machines", "man8machine_configs", "man8machine_storage"]) {
      expect(readdirSync(below(folder)).sort()).toEqual([".mbctl-snapshots", "web"]);
    }
  });

  test("snapshots of mbctl's own making go when there are more than snapshots_keep, the user's stay", async () => {
    appendFileSync(join(host.root, "etc/mbctl/config.toml"), "snapshots_keep = 1\n");
    await succeed("rollback", "web", "first");
    const { stderr } = await succeed("reset", "web");
    expect(stderr).toMatch(
      /^removed the snapshot "before-rollback-.*": snapshots_keep of config.toml$/m,
    );
    expect(await labels()).toEqual(["first manual data", "before-reset-TIME reset"]);
  });

  test("remove takes a machine's snapshots with it, and says so", async () => {
    const { stderr } = await mbctl("remove", "web");
    expect(stderr).toContain("with its configuration and data, and its snapshots (1)?");
    await succeed("remove", "web", "--yes");
    expect(readdirSync(below("man8machines/.mbctl-snapshots"))).toEqual([]);
    expect(readdirSync(below("man8machine_configs/.mbctl-snapshots"))).toEqual([]);
  });

  test("a name whose snapshots are left is not free", async () => {
    await succeed("remove", "web", "--yes");
    mkdirSync(below("man8machines/.mbctl-snapshots/web/old"), { recursive: true });
    const { exitCode, stderr } = await host.run(host.pullWords);
    expect(exitCode).toBe(4);
    expect(stderr).toContain(".mbctl-snapshots/web");
  });

  test("snapshots tells sizes when asked, and of a damaged one", async () => {
    const { stdout } = await succeed("snapshots", "web", "--size", "--json");
    const [{ size }] = JSON.parse(stdout).snapshots;
    expect(size.bytes).toBeGreaterThan(1e6);
    expect(size.ownBytes).toBe(size.bytes);
    mkdirSync(below("man8machines/.mbctl-snapshots/web/half"));
    const { stderr } = await succeed("snapshots", "web");
    expect(stderr).toMatch(
      /^warning: Cannot read ".*\/half\/snapshot.json": it is no snapshot of this mbctl$/m,
    );
    await succeed("forget", "web", "half", "--yes");
    expect(await labels()).toEqual(["first manual data"]);
  });

  test("--dry-run prints the steps, and changes nothing", async () => {
    const before = host.snapshot();
    for (const words of [
      ["snapshot", "web", "x"],
      ["rollback", "web"],
      ["reset", "web"],
    ]) {
      const { stdout } = await succeed(...words, "--dry-run");
      expect(stdout).toMatch(/^(move|put) .*\.mbctl-new/m);
    }
    expect(host.snapshot()).toEqual(before);
  });
});
