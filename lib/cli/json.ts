/**
 * JSON answers. Every one is an object that begins with `schemaVersion`; fields may
 * be added under one version, but none is taken away or given another meaning.
 *
 * @module
 */

/** The version that all answers carry. */
export const SCHEMA_VERSION = 1;

/**
 * Renders an answer, indented by two spaces, with a line feed at the end.
 * Characters that steer a terminal are written as `\uXXXX`: JSON.stringify leaves
 * DEL, the C1 controls and the characters that reorder text as they are (RFC 8259, 7, allows both).
 */
export function renderJson(answer: object): string {
  const text = JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...answer }, null, 2);
  return `${text.replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )}\n`;
}
