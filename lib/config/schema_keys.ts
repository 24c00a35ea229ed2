/**
 * Which keys a schema knows at a place, for "did you mean".
 *
 * @module
 */

/** What of valibot's schemas is looked at; the rest differs from kind to kind. */
interface AnySchema {
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly wrapped?: unknown;
  readonly item?: unknown;
  readonly options?: readonly unknown[];
  readonly pipe?: readonly unknown[];
}

/** The keys of the table at a path: `["volumes", 0]`; none where there is no table. */
export function schemaKeys(schema: unknown, path: readonly unknown[]): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { entries, wrapped, item, options } = schema as AnySchema;
  if (wrapped !== undefined) return schemaKeys(wrapped, path);
  if (options !== undefined) {
    return [...new Set(options.flatMap((option) => schemaKeys(option, path)))];
  }
  const [first, ...rest] = path;
  if (item !== undefined) return schemaKeys(item, rest);
  if (entries === undefined) return [];
  return first === undefined ? Object.keys(entries) : schemaKeys(entries[String(first)], rest);
}
