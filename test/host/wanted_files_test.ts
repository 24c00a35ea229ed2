import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, openHost } from "../../lib/host/host.ts";
import { applyFiles, compareFiles, previewFiles } from "../../lib/host/wanted_files.ts";

let root = "";
let calls: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mbctl-wanted-"));
  calls = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const file = (name: string, text = name) => ({ path: `/units/${name}`, text, mode: 0o644 });
const at = (name: string) => join(root, "units", name);
const journal = () => join(root, "var/lib/mbctl/.unfinished-test");

/** Brings the folder in line with these; `broken` is killed there. */
async function bring(
  names: readonly ReturnType<typeof file>[],
  present: readonly string[] = [],
  options: { readonly isLive?: boolean; readonly broken?: string } = {},
): Promise<string[]> {
  calls = [];
  const call = async (text: string) => {
    calls.push(text.replaceAll(`${root}/units/`, ""));
    if (options.broken !== undefined && text.startsWith(options.broken)) throw new Error("killed");
  };
  const host: Host = {
    ...openHost({ root, log: { command: () => {} } }),
    isLive: options.isLive ?? true,
    run: async (argv) => {
      await call(argv.join(" "));
      return { stdout: "", stderr: "", exitCode: 0 };
    },
  };
  const changes = compareFiles(root, "test", names, present.map(at));
  await applyFiles(host, changes, {
    stop: (paths) => call(`stop ${paths.join(" ")} ${existsSync(paths[0] ?? "")}`),
    restart: (files) => call(`restart ${files.map(({ path }) => path).join(" ")}`),
  });
  return calls;
}

describe("applyFiles()", () => {
  test("writes what differs, by content and mode, and nothing the second time", async () => {
    const reload = "systemctl daemon-reload";
    expect(await bring([file("a"), file("b")])).toEqual([reload, "restart a b"]);
    expect(readFileSync(at("a"), "utf8")).toBe("a");
    expect(await bring([file("a"), file("b")], ["a", "b"])).toEqual([]);
    expect(await bring([file("a", "x"), file("b")], ["a", "b"])).toEqual([reload, "restart a"]);
    chmodSync(at("b"), 0o666);
    expect(await bring([file("a", "x"), file("b")], ["a", "b"])).toEqual([reload, "restart b"]);
    expect(existsSync(journal())).toBe(false);
  });

  test("stops what runs by a file before that goes", async () => {
    await bring([file("a"), file("b")]);
    expect(await bring([file("b")], ["a", "b"])).toEqual([
      "stop a true",
      "systemctl daemon-reload",
    ]);
    expect([existsSync(at("a")), existsSync(at("b"))]).toEqual([false, true]);
  });

  test("has nothing restarted on a host that is not live", async () => {
    expect(await bring([file("a")], [], { isLive: false })).toEqual([]);
    expect(existsSync(at("a"))).toBe(true);
    expect(existsSync(journal())).toBe(false);
  });

  test.each(["systemctl daemon-reload", "restart"])(
    "of a run that is killed at `%s` the next one does what is left",
    async (broken) => {
      await bring([file("a")]);
      const next = [file("a", "x"), file("b")];
      await expect(bring(next, ["a"], { broken })).rejects.toThrow("killed");
      const again = compareFiles(root, "test", next, [at("a"), at("b")]);
      expect(previewFiles(again)).toEqual([`write ${at("a")}`, `write ${at("b")}`]);
      expect(
        await bring([...next, file("c")], ["a", "b"], { broken: "restart" }).catch(() => calls),
      ).toEqual(["systemctl daemon-reload", "restart a b c"]);
      // What nobody wants any more is forgotten.
      expect(await bring([file("a", "x")], ["a", "b", "c"])).toEqual([
        "stop b c true",
        "systemctl daemon-reload",
        "restart a",
      ]);
      expect(await bring([file("a", "x")], ["a"])).toEqual([]);
    },
  );

  test("systemd is told of files that a killed run removed", async () => {
    await bring([file("a")]);
    const broken = "systemctl daemon-reload";
    await expect(bring([], ["a"], { broken })).rejects.toThrow("killed");
    expect(await bring([])).toEqual([broken]);
    expect(await bring([])).toEqual([]);
  });
});

test("previewFiles() names what would be written and removed", () => {
  writeFileSync(join(root, "old"), "");
  const changes = compareFiles(root, "test", [file("a")], [join(root, "old")]);
  expect(previewFiles(changes)).toEqual([`write ${at("a")}`, `remove ${join(root, "old")}`]);
});
