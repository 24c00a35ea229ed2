/**
 * Random stacks of layers. Names come from so small an alphabet that most entries meet others:
 * they replace, link to and hide each other, in their layer and across.
 *
 * @module
 */

import fc from "fast-check";
import {
  device,
  dir,
  fifo,
  file,
  hardlink,
  opaque,
  pax,
  type RawHeader,
  symlink,
  tar,
  whiteout,
} from "./raw_tar.ts";

/** An entry as it is printed when a stack disagrees. */
export interface RandomEntry {
  readonly kind:
    "file" | "dir" | "symlink" | "hardlink" | "fifo" | "device" | "whiteout" | "opaque";
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly owner: readonly [number, number];
  readonly mtime: number;
  readonly body: string;
  readonly isMarked: boolean;
}

export type RandomStack = readonly (readonly RandomEntry[])[];

const component = fc.constantFrom("a", "b", "c");
// Names that are mostly files: with those of directories alone, most stacks would be refused, for
// a file of the same layer as a parent.
const last = fc.oneof(
  { weight: 2, arbitrary: component },
  { weight: 3, arbitrary: fc.constantFrom("f", "g") },
);
const plainPath = fc
  .tuple(fc.array(component, { maxLength: 2 }), last)
  .map(([components, name]) => [...components, name].join("/"));
const directoryPath = fc
  .array(component, { minLength: 1, maxLength: 3 })
  .map((components) => components.join("/"));

const weighted = (rows: readonly (readonly [number, fc.Arbitrary<string>])[]) =>
  fc.oneof(...rows.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** A path, and the odd ways to write it. */
const written = (plain: fc.Arbitrary<string>) =>
  weighted([
    [60, plain],
    [3, plain.map((text) => `/${text}`)],
    [3, plain.map((text) => `./${text}`)],
    [3, plain.map((text) => `../${text}`)],
    [3, plain.map((text) => text.replace("/", "/../"))],
    [2, plain.map((text) => text.replace("/", "//"))],
    [2, plain.map((text) => `${text}/`)],
    [1, plain.map((text) => `${text}/.`)],
    [1, plain.map((text) => `${text}/..`)],
  ]);

const target = weighted([
  [8, plainPath],
  [6, plainPath.map((text) => `/${text}`)],
  [4, plainPath.map((text) => `../${text}`)],
  [1, plainPath.map((text) => `../../../${text}`)],
  [1, fc.constantFrom(".", "..", "/", "/..", "../../../outside", "missing/x")],
]);

const weights = {
  file: 30,
  dir: 26,
  symlink: 10,
  hardlink: 6,
  fifo: 4,
  device: 3,
  whiteout: 14,
  opaque: 7,
} as const;
const kinds = Object.entries(weights) as [RandomEntry["kind"], number][];

const entry: fc.Arbitrary<RandomEntry> = fc.oneof(
  ...kinds.map(([kind, weight]) => ({
    weight,
    arbitrary: fc.record({
      kind: fc.constant(kind),
      path: written(kind === "dir" || kind === "opaque" ? directoryPath : plainPath),
      target,
      mode: fc.constantFrom(0o644, 0o755, 0o700, 0o4711, 0o2755, 0o1777, 0),
      owner: fc.tuple(fc.constantFrom(0, 0, 7), fc.constantFrom(0, 0, 8)),
      mtime: fc.integer({ min: 1, max: 99 }),
      body: fc.constantFrom("", "1", "22", "333"),
      isMarked: fc.boolean(),
    }),
  })),
);

/** 1 to 4 layers of up to 7 entries. */
export const randomStack: fc.Arbitrary<RandomStack> = fc
  .array(fc.array(entry, { minLength: 0, maxLength: 7 }), { minLength: 1, maxLength: 4 })
  .map(linkToFiles);

/** Most hard links lead to a file that came before: a link to nothing refuses the whole stack. */
function linkToFiles(stack: RandomStack): RandomStack {
  const files: string[] = [];
  return stack.map((entries) =>
    entries.map((item) => {
      if (item.kind === "file") files.push(item.path);
      const file = files[item.mtime % (files.length + 1)];
      return item.kind === "hardlink" && file !== undefined ? { ...item, target: file } : item;
    }),
  );
}

/** The layers of a stack as plain archives. */
export function renderStack(stack: RandomStack): Uint8Array[] {
  return stack.map((entries) => tar(...entries.flatMap(renderEntry)));
}

function renderEntry(entry: RandomEntry): (RawHeader | Uint8Array)[] {
  const { kind, path, target, mode, mtime, body } = entry;
  const [uid, gid] = entry.owner;
  const more = { mode, uid, gid, mtime };
  const marks = entry.isMarked
    ? [pax({ "SCHILY.xattr.user.mark": `mark ${body}`, mtime: `${mtime}.5` })]
    : [];
  switch (kind) {
    case "file":
      return [...marks, file(path, body, more)];
    case "dir":
      return [...marks, dir(path, mode, more)];
    case "symlink":
      return [symlink(path, target, more)];
    case "hardlink":
      return [hardlink(path, target, more)];
    case "fifo":
      return [fifo(path, more)];
    case "device":
      return [device(path, "char", [1, mtime], more)];
    case "whiteout":
      // A whiteout of . or .. is no name: by hand (cases/escapes.ts).
      return [whiteout(path.replace(/(\/|\/\.{1,2})$/, ""))];
    case "opaque":
      return [opaque(path)];
  }
}

/** A stack as it is printed: one line for each entry. */
export function showStack(stack: RandomStack): string {
  return stack
    .flatMap((entries, index) => [
      `layer ${index + 1}`,
      ...entries.map(({ kind, path, target, mode, owner, mtime, body, isMarked }) => {
        const link = kind.endsWith("link") ? ` -> ${target}` : "";
        const rest = `${mode.toString(8)} ${owner.join(":")} @${mtime} ${JSON.stringify(body)}`;
        return `  ${kind} ${path}${link} ${rest}${isMarked ? " marked" : ""}`;
      }),
    ])
    .join("\n");
}
