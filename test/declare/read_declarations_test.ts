import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readDeclarations } from "../../lib/declare/read_declarations.ts";
import { startOrder } from "../../lib/declare/start_order.ts";

let folder = "";
const text = 'schema = 1\nimage = "x"\n';

function write(path: string, content = text): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mbctl-declare-"));
  write("web.toml");
  write("many/a.toml");
  write("many/b.toml", `${text}depends = ["c"]\n`);
  write("many/c/machine.toml", `${text}depends = ["a"]\n`);
  write("many/.hidden.toml", "broken");
  write("many/notes.txt", "broken");
  write("one/machine.toml");
  write("one/other.toml", "broken");
  write("twice/a.toml", `${text}name = "x"\n`);
  write("twice/b.toml", `${text}name = "x"\n`);
  write("cycle/a.toml", `${text}depends = ["b"]\n`);
  write("cycle/b.toml", `${text}depends = ["a"]\n`);
  write("alone/a.toml", `${text}depends = ["nobody"]\n`);
  write("circle/a.toml", `${text}connectors = ["b"]\n`);
  write("circle/b.toml", `${text}connectors = ["a"]\n`);
  write("var/lib/man8machine_configs/here/machine.toml");
  write("var/lib/man8machine_configs/other/machine.toml", `${text}name = "else"\n`);
  write("big.toml", "#".repeat(2_000_000));
  mkdirSync(join(folder, "empty"));
  symlinkSync(join(folder, "web.toml"), join(folder, "link.toml"));
  symlinkSync("loop.toml", join(folder, "loop.toml"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const names = (...operands: string[]) =>
  readDeclarations(folder, operands, folder).map(({ declaration }) => declaration.name);

test.each([
  [["web.toml"], ["web"]],
  [["link.toml"], ["link"]],
  [["many"], ["a", "b", "c"]],
  [["one"], ["one"]],
  [["here"], ["here"]],
  [["web.toml", "web.toml"], ["web"]],
])("readDeclarations(%j)", (operands, found) => {
  expect(names(...operands) as string[]).toEqual(found);
});

test.each([
  [["nope"], 'Cannot apply "nope": there is no such file, and no machine of that name'],
  [["empty"], 'Cannot apply "empty": the folder holds no declaration'],
  [["twice"], 'Cannot apply two declarations of the machine "x"'],
  [["many/notes.txt"], "notes.txt"],
  [["big.toml"], "it is no file of up to 1 MiB"],
  [["loop.toml"], "there is no such file"],
  [["other"], 'it is the machine "other", and says name = "else"'],
  [["/dev/null/x"], "there is no such file"],
  [["/dev/zero"], "it is no file of up to 1 MiB"],
])("readDeclarations(%j) is refused", (operands, words) => {
  expect(() => names(...operands)).toThrow(words);
});

test("startOrder() puts first who is depended on", () => {
  const ordered = startOrder(folder, readDeclarations(folder, ["many"], folder));
  expect(ordered.map(({ declaration }) => declaration.name) as string[]).toEqual(["a", "c", "b"]);
});

test("startOrder() refuses a cycle, of connectors too, and a machine that is nowhere", () => {
  const read = (name: string) => readDeclarations(folder, [name], folder);
  expect(() => startOrder(folder, read("cycle"))).toThrow("wait for each other: a -> b -> a");
  expect(() => startOrder(folder, read("circle"))).toThrow("connectors in a circle: a -> b -> a");
  expect(() => startOrder(folder, read("alone"))).toThrow('depends on "nobody"');
});
