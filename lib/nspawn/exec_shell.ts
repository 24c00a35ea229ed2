/**
 * Shell scripts in the `Exec…=` lines of units.
 *
 * @module
 */

/**
 * `/bin/sh -c '…'` as systemd.service(5) reads it: `$` and `%` doubled but for `%i`, the unit's instance; one
 * statement a line.
 *
 * @param statements with neither single quotes nor backslashes, so that nothing else needs escaping.
 * @param name what the shell calls itself in messages, `$0`.
 */
export function execShell(statements: readonly string[], name: string): string {
  const script = statements.join("; \\\n    ");
  if (/'|\\(?!\n)/.test(script))
    throw new TypeError("a script in a unit has a quote or a backslash");
  return `/bin/sh -c '\\\n    ${script.replaceAll(/%(?!i\b)/g, "%%").replaceAll("$", "$$$$")}' ${name}`;
}
