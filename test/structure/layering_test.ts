/** Which room may import what (CONTRIBUTING.md), and where the world may be touched. */

import { describe, expect, test } from "bun:test";
import { pure, pureFiles, withEffects } from "./_effects.ts";
import { filesBelow, importsOf, textOf, withoutComments } from "./_sources.ts";

/** What a pure file may import from outside: none of these touches the world. */
const pureModules = ["diff", "ini", "node:path", "node:path/posix", "smol-toml", "valibot", "yaml"];

/** Names that reach the world without an import. `Bun.CryptoHasher` and the like do not. */
const worldly =
  /\bBun\s*\.\s*(?:\$|file|openInEditor|serve|spawn|spawnSync|stdin|stdout|stderr|which|write|connect|listen)\b|\bprocess\s*\.|\bfetch\(|\bconsole\s*\.\s*\w+\(/;

const library = filesBelow("lib", ".ts");

/** Whether a file is to be pure. */
function isPure(path: string): boolean {
  const [, room = "", file = ""] = path.split("/");
  if (pure.includes(room) || pureFiles.includes(path)) return true;
  return withEffects[room]?.includes(file.replace(/\.ts$/, "")) === false;
}

/** `FILE imports TARGET` for each import that a rule forbids. */
function offences(
  paths: readonly string[],
  isForbidden: (target: string, isType: boolean, path: string) => boolean,
) {
  return paths.flatMap((path) =>
    importsOf(path)
      .filter(({ target, isType }) => isForbidden(target, isType, path))
      .map(({ target }) => `${path} imports ${target}`),
  );
}

/** Files whose code, comments aside, matches. */
function filesWith(paths: readonly string[], pattern: RegExp): string[] {
  return paths.filter((path) => pattern.test(withoutComments(textOf(path))));
}

describe("a pure file", () => {
  const files = library.filter(isPure);

  test("imports pure files, and modules that touch nothing", () => {
    const bad = offences(files, (target, isType) => {
      if (isType) return false;
      if (target.startsWith("lib/")) return !isPure(target);
      // man8s-init's fragments and systemd's files come in as text.
      return !/^(init-templates|systemd-configs)\//.test(target) && !pureModules.includes(target);
    });
    expect(bad).toEqual([]);
  });

  test("reaches the world by no global either", () => {
    expect(filesWith(files, worldly)).toEqual([]);
  });

  test("is every file of the rooms with effects but those that are listed, and each of these exists", () => {
    const listed = Object.entries(withEffects).flatMap(([room, names]) =>
      names.map((name) => `lib/${room}/${name}.ts`),
    );
    expect(listed.filter((path) => !library.includes(path))).toEqual([]);
  });
});

describe("the rooms", () => {
  test("lib imports neither verbs nor tests", () => {
    expect(offences(library, (target) => /^(scripts|test|examples)\//.test(target))).toEqual([]);
  });

  test("host knows no command line, and of machines only what is pure", () => {
    const host = library.filter((path) => path.startsWith("lib/host/"));
    const bad = offences(
      host,
      (target) =>
        target.startsWith("lib/cli/") ||
        (/^lib\/(machine|steps)\//.test(target) && !isPure(target)),
    );
    expect(bad).toEqual([]);
  });

  test("host knows no trees; trees know of us the host, and what is pure", () => {
    const room = (name: string) => library.filter((path) => path.startsWith(`lib/${name}/`));
    expect(offences(room("host"), (target) => target.startsWith("lib/trees/"))).toEqual([]);
    const bad = offences(
      room("trees"),
      (target) =>
        target.startsWith("lib/") && !/^lib\/(host|trees)\//.test(target) && !isPure(target),
    );
    expect(bad).toEqual([]);
  });

  test("store knows no registry, no layers, and of machines only what is pure", () => {
    const store = library.filter((path) => path.startsWith("lib/store/"));
    const allowed =
      /^lib\/(errors\.ts|host\/|image\/|store\/|trees\/|paths\.ts|config\/host_config\.ts)/;
    expect(offences(store, (target) => target.startsWith("lib/") && !allowed.test(target))).toEqual(
      [],
    );
  });

  test("cli knows no host, no machines, no images", () => {
    const cli = library.filter((path) => path.startsWith("lib/cli/"));
    expect(
      offences(cli, (target) =>
        /^lib\/(calls|host|image|init|machine|network|nspawn|render|steps|store|trees)\//.test(
          target,
        ),
      ),
    ).toEqual([]);
  });

  test("a verb's script imports no other verb", () => {
    const scripts = filesBelow("scripts", ".ts").filter((path) => path !== "scripts/mbctl.ts");
    expect(offences(scripts, (target) => /^scripts\/(?!_)/.test(target))).toEqual([]);
  });

  test("files that begin with _ are imported from their own folder alone", () => {
    const all = ["lib", "scripts"].flatMap((folder) => filesBelow(folder, ".ts"));
    const bad = offences(all, (target, _, path) => {
      const slash = target.lastIndexOf("/");
      return (
        target[slash + 1] === "_" && target.slice(0, slash) !== path.slice(0, path.lastIndexOf("/"))
      );
    });
    expect(bad).toEqual([]);
  });
});

describe("one choke point each", () => {
  const all = [...library, ...filesBelow("scripts", ".ts")];
  const importersOf = (pattern: RegExp) =>
    all.filter((path) =>
      importsOf(path).some(({ target, isType }) => !isType && pattern.test(target)),
    );

  test("zx is imported by lib/host/run.ts alone, and only its core", () => {
    expect(importersOf(/^zx(\/|$)/)).toEqual(["lib/host/run.ts"]);
    expect(importersOf(/^zx(?!\/core$)/)).toEqual([]);
  });

  test("child processes: lib/host/run.ts runs them to their end, spawn.ts starts them beside us, become.ts becomes one", () => {
    expect(importersOf(/^(node:)?child_process$/)).toEqual([]);
    expect(filesWith(all, /\bBun\s*\.\s*(spawn|spawnSync|\$)/)).toEqual(["lib/host/spawn.ts"]);
    expect(filesWith(all, /\.execve\(/)).toEqual(["lib/host/become.ts"]);
  });

  test("bun:ffi is imported by lib/host/libc.ts and those of its name alone", () => {
    const others = importersOf(/^bun:ffi$/).filter(
      (path) => !/^lib\/host\/libc(_[a-z]+)?\.ts$/.test(path),
    );
    expect(others).toEqual([]);
  });

  test("prompts are loaded by lib/cli/prompt.ts alone, when somebody is asked", () => {
    expect(importersOf(/^@clack\//)).toEqual(["lib/cli/prompt.ts"]);
    expect(textOf("lib/cli/prompt.ts")).not.toMatch(/^import (?!type).*@clack/m);
  });

  test("exit codes are set, so that what was written arrives; the second Ctrl-C and a bug end the process at once", () => {
    expect(filesWith(all, /\bprocess\s*\.\s*exit\(/)).toEqual([
      "lib/cli/interrupt.ts",
      "lib/cli/main.ts",
    ]);
  });
});

describe("importsOf()", () => {
  test("sees every form of an import, and tells types from values", () => {
    const text = `
import a from "zx/core";
import { type B, type C } from "./b.ts";
import type { D } from "node:fs";
import {
  type E,
  f,
} from "../f/f.ts";
import "side-effect";
export { g } from "./g.ts";
export type { H } from "./h.ts";
// import i from "comment";
/** import j from "comment"; */
const k = await import("lazy");
type L = typeof import("kept-as-type");
`;
    const [types, values] = [true, false].map((isType) =>
      importsOf("lib/room/x.ts", text)
        .filter((found) => found.isType === isType)
        .map(({ target }) => target),
    );
    expect(types).toEqual(["lib/room/b.ts", "node:fs", "lib/room/h.ts", "kept-as-type"]);
    expect(values).toEqual(["zx/core", "lib/f/f.ts", "lib/room/g.ts", "side-effect", "lazy"]);
  });
});
