/**
 * Values that must come through the `.nspawn` grammar unharmed. The pure tests run them through our own
 * reader; a test in the lab starts a machine that prints its environment, its arguments and its binds.
 *
 * @module
 */

/** As arguments, and as values of environment variables. */
export const NASTY_WORDS: readonly string[] = [
  "",
  " ",
  "   leading and trailing   ",
  "\tTabs\tand  \t blanks\t",
  "two words",
  `"`,
  `'`,
  `""`,
  `''`,
  `"'"'"'`,
  `it's "quoted" 'both' ways`,
  `"whole"`,
  `'whole'`,
  "\\",
  "\\\\",
  "ends in a backslash\\",
  "ends in two\\\\",
  "blank then backslash \\",
  "\\n \\t \\x41 \\101 \\u00e9 \\s",
  `\\" \\' \\$`,
  `back\\slash "and" quote's`,
  "$HOME ${HOME} $$ $(touch /pwned) `touch /pwned`",
  "%n %i %% %m %h",
  "a=b=c",
  "=",
  "-x --long=value",
  "# no comment",
  "; no comment",
  "[Section]",
  "Key=value",
  "*?[a-z]{a,b}~ !! & | < > ( )",
  "daemon off;",
  "[::]:8080",
  "ünïcödé, 日本語, 🦊",
  "\u00a0no-break\u2003em space\u3000",
  "\ufeffbyte order mark",
  "\u2028line and paragraph separators\u2029",
  "controls \u0001\u0007\u001b[31m\u007f\u0085",
  "e\u0301 combining",
  "x".repeat(5000),
];

/** As variables of one machine: a name for each word. */
export const NASTY_ENVIRONMENT: readonly (readonly [name: string, value: string])[] =
  NASTY_WORDS.map((word, index) => [`NASTY_${index}`, word]);

/** As absolute paths: sources and targets of binds, working directories. */
export const NASTY_PATHS: readonly string[] = [
  "/plain",
  "/with blank",
  "/trailing blank ",
  "/colon:in:name",
  "/trailing colon:",
  "/back\\slash",
  "/trailing backslash\\",
  "/back\\:both",
  `/quote"and'apostrophe`,
  "/dollar $HOME %n",
  "/-dash/+plus",
  "/#hash;semicolon",
  "/ünïcödé 日本語",
  "/tab\tinside",
  "/a,b=c",
];

/** What no line of a `.nspawn` file can hold. */
export const IMPOSSIBLE_WORDS: readonly (readonly [word: string, why: string])[] = [
  ["a\nb", "it holds a line break"],
  ["a\rb", "it holds a carriage return"],
  ["a\0b", "it holds a NUL"],
  ["a\ud800b", "it holds half a surrogate pair"],
  ["a\uffffb", "it holds a Unicode noncharacter, and systemd then drops the line"],
  ["a\ufdd0b", "it holds a Unicode noncharacter, and systemd then drops the line"],
];
