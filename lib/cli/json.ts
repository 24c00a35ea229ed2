/**
 * JSON answers and events. Every one is an object that begins with `schemaVersion`; fields may
 * be added under one version, but none is taken away or given another meaning.
 *
 * @module
 */

/** The version that all answers and events carry. */
const SCHEMA_VERSION = 1;

/** Renders an answer, indented by two spaces, with a line feed at the end. */
export function renderJson(answer: object): string {
  return render(answer, 2);
}

/** The same on one line, for one of many: an event. Keys whose value is undefined are left out. */
export function renderJsonLine(event: object): string {
  return render(event, undefined);
}

/**
 * Characters that steer a terminal are written as `\uXXXX`: JSON.stringify leaves
 * DEL, the C1 controls and the characters that reorder text as they are (RFC 8259, 7, allows both).
 */
function render(value: object, indent: number | undefined): string {
  const text = JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...value }, null, indent);
  return `${text.replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )}\n`;
}
