import fc from "fast-check";

/** The shells that must agree with our quoters. */
export const SHELLS: readonly (readonly string[])[] = [["dash"], ["busybox", "sh"]];

/** Texts without NUL, rich in what shells find special. */
export function shellText(): fc.Arbitrary<string> {
  const special = fc.constantFrom(
    ..."'\"\\$`!*?[]{}()<>|&;#~=%^ \t\n\r-+",
    "$(id)",
    "${x}",
    "\\n",
    "''",
    "é",
    "🦊",
  );
  const any = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""));
  return fc.oneof(fc.string({ unit: special }), any, fc.string());
}
