/**
 * Help pages, read from the definitions of the verbs.
 *
 * @module
 */

import { EXIT_CODE_ROWS } from "./exit_codes.ts";
import { type FlagSpec, flagName, sharedFlags } from "./flags.ts";
import { style } from "./terminal.ts";
import { type OperandSpec, operandLabel, tailOf, type Verb } from "./verb.ts";

/** Help pages are for 80 columns, whatever the terminal has: they look the same in a pipe and in a test. */
const WIDTH = 80;

/** The page of one verb, with a line feed at its end. */
export function renderVerbHelp(verb: Verb): string {
  const sections = [
    `${style("bold", `mbctl ${verb.name}`)}: ${verb.summary}\n`,
    `Usage:\n  ${usageLine(verb)}\n`,
  ];
  if (verb.description !== undefined) sections.push(paragraphs(verb.description));
  const operands = [
    ...Object.entries(verb.operands).map(
      ([key, spec]) => [operandLabel(key, spec), operandHelp(spec)] as const,
    ),
    ...Object.entries(verb.tail).map(
      ([key, spec]) => [`-- ${operandLabel(key)}…`, spec.help] as const,
    ),
  ];
  if (operands.length > 0) sections.push(`Operands:\n${renderRows(operands)}`);
  sections.push(`Flags:\n${renderRows(flagRows({ ...verb.flags, ...sharedFlags(verb) }))}`);
  sections.push(`Examples:\n${renderExamples(verb)}`);
  return sections.join("\n");
}

/** `mbctl machines pull [FLAGS] IMAGE NAME`. */
function usageLine(verb: Verb): string {
  const operands = Object.entries(verb.operands).map(([key, spec]) => {
    const label = operandLabel(key, spec) + (spec.repeat === true ? "…" : "");
    return spec.optional === true ? `[${label}]` : label;
  });
  const tail = tailOf(verb);
  if (tail !== undefined) operands.push(`[-- ${operandLabel(tail)}…]`);
  return ["mbctl", verb.name, "[FLAGS]", ...operands].join(" ");
}

/** The page of all verbs, or of those in one group. */
export function renderOverview(verbs: readonly Verb[], group?: string): string {
  const title = group === undefined ? "mbctl" : `mbctl ${group}`;
  const about =
    group === undefined
      ? "OCI images as systemd-nspawn machines with a mesh address of their own"
      : `verbs for ${group}`;
  const sections = [
    `${style("bold", title)}: ${about}\n`,
    `Usage:\n  ${title} ${group === undefined ? "VERB" : "…"} [FLAGS] [OPERANDS]\n`,
    `Verbs:\n${renderRows(verbs.map((verb) => [verb.name, verb.summary] as const))}`,
  ];
  if (group === undefined) {
    sections.push(`Flags of every verb:\n${renderRows(flagRows(sharedFlags({})))}`);
    sections.push(
      `Exit codes:\n${renderRows(EXIT_CODE_ROWS.map(([code, says]) => [String(code), says] as const))}`,
    );
  }
  sections.push("`mbctl help VERB` explains a verb and gives examples.\n");
  return sections.join("\n");
}

/** `NAME  what it is`, the second column wrapped and aligned. */
function renderRows(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(28, Math.max(...rows.map(([label]) => label.length)));
  return rows
    .map(([label, help]) => {
      const [first = "", ...rest] = wrap(help, WIDTH - left - 4);
      const indent = " ".repeat(left + 4);
      const head =
        label.length > left ? `  ${label}\n${indent}${first}` : `  ${label.padEnd(left)}  ${first}`;
      return `${[head, ...rest.map((line) => indent + line)].join("\n").trimEnd()}\n`;
    })
    .join("");
}

/** Breaks text at spaces into lines of at most `width` characters; longer words stay whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** How a flag is written: `-n, --lines N`. */
function flagLabel(key: string, spec: FlagSpec): string {
  const value = spec.type === "boolean" ? "" : ` ${valueLabel(spec)}`;
  return `${spec.short === undefined ? "    " : `-${spec.short}, `}--${flagName(key)}${value}`;
}

function valueLabel(spec: Exclude<FlagSpec, { type: "boolean" }>): string {
  if (spec.type !== "choice") return spec.value;
  return spec.value ?? spec.choices.join("|");
}

function flagRows(specs: Readonly<Record<string, FlagSpec>>): (readonly [string, string])[] {
  return Object.entries(specs).map(([key, spec]) => {
    const facts: string[] = [];
    if (spec.type === "string" && spec.repeat === true) facts.push("may be repeated");
    if (spec.type === "choice" && spec.value !== undefined)
      facts.push(`one of ${spec.choices.join(", ")}`);
    if (spec.type !== "boolean" && spec.default !== undefined)
      facts.push(`default: ${spec.default}`);
    return [flagLabel(key, spec), spec.help + (facts.length > 0 ? ` (${facts.join("; ")})` : "")];
  });
}

function operandHelp(spec: OperandSpec): string {
  return spec.choices === undefined ? spec.help : `${spec.help}: ${spec.choices.join(", ")}`;
}

function renderExamples(verb: Verb): string {
  return verb.examples
    .map(
      ({ command, says }) =>
        `  ${command}\n${wrap(says, WIDTH - 6)
          .map((line) => `      ${line}\n`)
          .join("")}`,
    )
    .join("");
}

function paragraphs(text: string): string {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => `${wrap(paragraph.trim(), WIDTH).join("\n")}\n`)
    .join("\n");
}
