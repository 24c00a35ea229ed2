/**
 * What may come next on a command line. The shells' scripts (completion_scripts.ts)
 * know nothing of the verbs: they call the hidden verb `__complete` with what was typed
 * so far and offer the lines that it prints, `candidate<tab>explanation`. A line that
 * begins with `:` tells the shell what to do itself: `:files`, `:directories`.
 *
 * @module
 */

import { splitLine } from "./command_line.ts";
import { type FlagSpec, flagName, type OfMachine, type ValueKind } from "./flags.ts";
import type { Io } from "./io.ts";
import type { CompletionSources } from "./completion_sources.ts";
import { dispatch, type VerbTable } from "./dispatch.ts";
import { flagsOf } from "./parse.ts";
import { escapeLine } from "./terminal.ts";
import { type OperandSpec, tailOf, type Verb } from "./verb.ts";

export interface Candidate {
  readonly text: string;
  /** What it means; empty where its name says all. */
  readonly says: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Whether the shell offers names of files, or of directories, too. */
  readonly shell?: "files" | "directories";
}

/**
 * The hidden verb: `__complete bash LINE`, the line up to the cursor, or
 * `__complete zsh|fish -- WORDS…`, the words up to the cursor without the program's name.
 */
export async function complete(
  table: VerbTable,
  args: readonly string[],
  io: Io,
  given: CompletionSources | undefined,
): Promise<void> {
  const sources = given ?? (await import("./completion_sources.ts")).hostSources;
  const isBash = args[0] === "bash";
  const line = isBash ? splitLine(args[1] ?? "") : undefined;
  const words = line === undefined ? args.slice(2) : line.words.slice(1);
  const { candidates, shell } = await completeWords(table, words, sources);
  const drop = line === undefined ? 0 : line.dropped;
  const current = words.at(-1) ?? "";
  const lines = candidates
    .filter(({ text }) => text.startsWith(current))
    .map(({ text, says }) => `${escapeLine(text.slice(drop))}\t${escapeLine(says)}\n`);
  if (shell !== undefined) lines.push(`:${shell}\n`);
  io.stdout.write(lines.join(""));
}

/** Candidates for the last of the words; those that do not begin like it are not left out. */
export async function completeWords(
  table: VerbTable,
  words: readonly string[],
  sources: CompletionSources,
): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  if (before.at(-1) === "--root") return { candidates: [], shell: "directories" };
  // The last word is not looked at: `version` without a space after it may become another word.
  const { name, rest, leading } = dispatch(table, before);
  const verb = name === undefined ? undefined : (await table[name]?.())?.default;
  if (verb === undefined) return { candidates: await verbWords(table, rest, current) };
  const root = rootOf([...leading, ...rest]);
  return verbArguments(verb, rest, current, {
    machines: () => sources.machines(root),
    ofMachine: (kind, machine) => sources.ofMachine(root, kind, machine),
    images: () => sources.images(root),
    templates: () => sources.templates(root),
  });
}

/** First words, or the next words of the group that was typed. */
async function verbWords(
  table: VerbTable,
  typed: readonly string[],
  current: string,
): Promise<Candidate[]> {
  if (current.startsWith("-")) {
    return ["--help", "--version", "--verbose", "--root"].map((text) => ({
      text,
      says: "",
    }));
  }
  const group = typed.filter((word) => !word.startsWith("-"));
  const names = Object.keys(table);
  if (group.length === 0) {
    const firsts = new Set(names.map((name) => name.split(" ")[0] ?? ""));
    return [...firsts, "help"].map((text) => ({ text, says: "" }));
  }
  const begin = `${group.join(" ")} `;
  const inGroup = names.filter((name) => name.startsWith(begin));
  const nexts = new Set(inGroup.map((name) => name.slice(begin.length).split(" ")[0] ?? ""));
  return await Promise.all(
    [...nexts].map(async (text) => ({
      text,
      // A group in the group has no sentence of its own.
      says: (await table[`${begin}${text}`]?.())?.default.summary ?? "",
    })),
  );
}

interface Sources {
  machines(): readonly string[];
  ofMachine(kind: OfMachine, machine: string | undefined): readonly string[];
  images(): readonly string[];
  templates(): readonly string[];
}

function verbArguments(
  verb: Verb,
  typed: readonly string[],
  current: string,
  sources: Sources,
): Completion {
  const specs = flagsOf(verb);
  const byName = new Map(Object.entries(specs).map(([key, spec]) => [`--${flagName(key)}`, spec]));
  const operands: string[] = [];
  const given = new Set<string>();
  let waiting: FlagSpec | undefined;
  for (const [index, word] of typed.entries()) {
    if (waiting !== undefined) {
      waiting = undefined;
    } else if (word === "--") {
      if (tailOf(verb) !== undefined) return { candidates: [], shell: "files" };
      operands.push(...typed.slice(index + 1));
      break;
    } else if (word.startsWith("-") && word !== "-") {
      const [written = ""] = word.split("=", 1);
      const spec = byName.get(written) ?? shortFlag(specs, word);
      if (spec !== undefined && spec.type !== "boolean" && !word.includes("=")) waiting = spec;
      given.add(written);
    } else {
      operands.push(word);
    }
  }
  if (waiting !== undefined) return flagCandidates(waiting, "", operands, sources);
  const joined = /^(--[^=]+)=/.exec(current);
  if (joined !== null) {
    const spec = byName.get(joined[1] ?? "");
    return spec === undefined
      ? { candidates: [] }
      : flagCandidates(spec, joined[0], operands, sources);
  }
  if (current.startsWith("-")) {
    return {
      candidates: [...byName]
        .filter(
          ([written, spec]) => !given.has(written) || ("repeat" in spec && spec.repeat === true),
        )
        .map(([text, spec]) => ({ text, says: spec.help })),
    };
  }
  const all = Object.values(verb.operands);
  const last = all.at(-1);
  const spec = all[operands.length] ?? (last?.repeat === true ? last : undefined);
  return spec === undefined
    ? { candidates: [] }
    : operandCandidates(spec, operands, current, sources);
}

function shortFlag(specs: Readonly<Record<string, FlagSpec>>, word: string): FlagSpec | undefined {
  // `-n` waits for its value; `-n5` has it.
  const letter = word.startsWith("--") ? undefined : word.at(-1);
  return Object.values(specs).find((spec) => spec.short !== undefined && spec.short === letter);
}

function flagCandidates(
  spec: FlagSpec,
  prefix: string,
  operands: readonly string[],
  sources: Sources,
): Completion {
  if (spec.type === "choice") return plain(spec.choices, prefix);
  if (spec.type === "boolean") return plain(["true", "false"], prefix);
  if (spec.type === "integer") return { candidates: [] };
  const found = byKind(spec.kind, prefix, operands[0], sources);
  const { candidates } = plain(spec.suggestions ?? [], prefix);
  return { ...found, candidates: [...candidates, ...found.candidates] };
}

function operandCandidates(
  spec: OperandSpec,
  taken: readonly string[],
  current: string,
  sources: Sources,
): Completion {
  if (spec.choices !== undefined) return plain(spec.choices, "");
  const found = byKind(spec.kind, "", taken[0], sources);
  const candidates = found.candidates.filter(({ text }) => !taken.includes(text));
  // A local source names a path after its transport.
  const isLocal = spec.kind === "image" && /^(oci|dir|oci-archive|docker-archive):/.test(current);
  return isLocal ? { candidates, shell: "files" } : { ...found, candidates };
}

/** @param machine the verb's first operand, where there is one. */
function byKind(
  kind: ValueKind | undefined,
  prefix: string,
  machine: string | undefined,
  sources: Sources,
): Completion {
  switch (kind) {
    case "machine":
      return plain(sources.machines(), prefix);
    case "image":
      return plain(sources.images(), prefix);
    case "template":
      return plain(sources.templates(), prefix);
    case "snapshot":
    case "app":
    case "connector":
    case "lent-command":
      return plain(sources.ofMachine(kind, machine), prefix);
    case "file":
      return { candidates: [], shell: "files" };
    case "directory":
      return { candidates: [], shell: "directories" };
    default:
      return { candidates: [] };
  }
}

function plain(texts: readonly string[], prefix: string): Completion {
  return {
    candidates: texts.map((text) => ({ text: prefix + text, says: "" })),
  };
}

function rootOf(words: readonly string[]): string {
  const joined = words.find((word) => word.startsWith("--root="));
  if (joined !== undefined) return joined.slice("--root=".length);
  const index = words.indexOf("--root");
  return (index < 0 ? undefined : words[index + 1]) ?? "/";
}
