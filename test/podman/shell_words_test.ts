/** Words of a command, as POSIX shells split them; and what is refused, since a shell would do more. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { quoteWords } from "../../lib/env/posix_sh.ts";
import { splitShellWords } from "../../lib/podman/shell_words.ts";

/** Each is asked of a real shell too. */
const good: readonly (readonly [text: string, words: readonly string[]])[] = [
  ["a b  c", ["a", "b", "c"]],
  ["  a\tb ", ["a", "b"]],
  ["''", [""]],
  ["a '' b", ["a", "", "b"]],
  ["'a b'c", ["a bc"]],
  [`"a b"'c d'e\\ f`, ["a bc de f"]],
  [String.raw`"a\"b\\c\d\$e\`f"`, ['a"b\\c\\d$e`f']],
  [String.raw`'a\b"c$d'`, ['a\\b"c$d']],
  ["a\\\nb c", ["ab", "c"]],
  ["a \\\n  b", ["a", "b"]],
  ['"a\\\nb"', ["ab"]],
  ["'a\nb'", ["a\nb"]],
  ["a # b c", ["a"]],
  ["a#b", ["a#b"]],
  ["\\#a", ["#a"]],
  ["a '#' b", ["a", "#", "b"]],
  ["a \\; b \\| c", ["a", ";", "b", "|", "c"]],
  ["\n\n a b\n\n# done\n", ["a", "b"]],
  ["a=1$ b", ["a=1$", "b"]],
  ['"5$" "$"', ["5$", "$"]],
  ["\"$'x'\"", ["$'x'"]],
  ["a~b a=~ '~'", ["a~b", "a=~", "~"]],
  ["[x] {a,b} a*b?", ["[x]", "{a,b}", "a*b?"]],
  ["grüße", ["grüße"]],
];

test.each(good)("splitShellWords() splits %j", (text, words) => {
  expect(splitShellWords(text)).toEqual([...words]);
});

test.each(["dash", "busybox"])("%s splits the same way", async (shell) => {
  // A document's text, as the words of a function: an empty folder has no file that a pattern could name.
  const script = good
    .map(([text]) => {
      const lines = text
        .replace(/\n# done\n$/, "")
        .replace(/^\n+/, "")
        .trimEnd();
      return `show ${lines}\necho @@`;
    })
    .join("\n");
  const show = `show() { for word; do printf '<%s>' "$word"; done; }\n`;
  const command = shell === "busybox" ? ["busybox", "sh", "-c"] : [shell, "-c"];
  const child = Bun.spawn([...command, show + script], {
    cwd: "/proc/self/fdinfo",
    stdout: "pipe",
  });
  const seen = (await child.stdout.text()).trimEnd().split("@@").slice(0, -1);
  expect(seen.map((text) => text.replace(/^\n/, ""))).toEqual(
    good.map(([, words]) => words.map((word) => `<${word}>`).join("")),
  );
});

test("splitShellWords() reads what our quoter writes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "binary-ascii" }).filter((word) => !word.includes("\0"))),
      (words) => {
        expect(splitShellWords(quoteWords(words))).toEqual(words);
      },
    ),
  );
});

test("splitShellWords() takes line ends of DOS in a continued command", () => {
  expect(splitShellWords("docker run \\\r\n  -d nginx\r\n")).toEqual([
    "docker",
    "run",
    "-d",
    "nginx",
  ]);
});

const bad: readonly (readonly [text: string, state: string])[] = [
  ["a $HOME", "line 1, column 3: a shell would expand $HOME"],
  ["a ${HOME:-x}", "line 1, column 3: a shell would expand ${HOME:-x}"],
  ['a "$(pwd)":/x', "line 1, column 4: a shell would run what stands in $(…)"],
  ["a $1", "line 1, column 3: a shell would expand $1"],
  ["a $'x'", "line 1, column 3: a shell would expand $'"],
  ["a `pwd`", "line 1, column 3: a shell would run what stands in backquotes"],
  ['a "`pwd`"', "line 1, column 4: a shell would run what stands in backquotes"],
  ["a ~/x", "line 1, column 3: a shell would expand ~"],
  ["a; b", "line 1, column 2: ; is for a shell"],
  ["a && b", "line 1, column 3: & is for a shell"],
  ["a | b", "line 1, column 3: | is for a shell"],
  ["a >b", "line 1, column 3: > is for a shell"],
  ["(a)", "line 1, column 1: ( is for a shell"],
  ["a\nb", "line 1, column 2: a second command follows"],
  ["a \\\n  'b", "line 2, column 3: a quote (') is not closed"],
  ['a "b', 'line 1, column 3: a quote (") is not closed'],
  ["a \\", "line 1, column 3: a backslash has nothing behind it"],
];

test.each(bad)("splitShellWords() refuses %j", (text, state) => {
  expect(() => splitShellWords(text)).toThrow(`Cannot read the command, ${state}`);
});

test.each([
  ["nginx -g 'daemon off;'", ["nginx", "-g", "daemon off;"]],
  ["echo $HOME ~ `x` (y) #z\n  more", ["echo", "$HOME", "~", "`x`", "(y)", "#z", "more"]],
  ['sh -c "echo $HOME; exit"', ["sh", "-c", "echo $HOME; exit"]],
])("splitShellWords() expands nothing in a value: %j", (text, words) => {
  expect(splitShellWords(text, "value")).toEqual(words);
});

test("splitShellWords() refuses a shell's operators in a value", () => {
  expect(() => splitShellWords("a && b", "value")).toThrow(
    expect.objectContaining({
      hint: 'quote the word; for a shell write a list: ["sh", "-c", "…"]',
    }),
  );
});
