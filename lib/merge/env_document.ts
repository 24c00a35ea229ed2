import type { Document, Piece } from "./document.ts";

/**
 * Reads any text as man8env.env (lib/env/env_file.ts has the format): an entry for each variable,
 * by its name; a carriage return belongs to the value. What is no entry is kept as it is.
 */
export function readEnvDocument(text: string): Document {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return [{ name: undefined, header: "", pieces: lines.map(readLine) }];
}

function readLine(raw: string): Piece {
  const line = raw.replace(/\n$/, "");
  const equals = line.indexOf("=");
  if (line.startsWith("#") || equals < 1) return { raw, parts: [] };
  const key = line.slice(0, equals);
  return { raw, parts: [{ id: key, key, value: line.slice(equals + 1), raw }] };
}
