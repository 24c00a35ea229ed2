import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import fc from "fast-check";
import type { EnvEntry } from "../../lib/env/env_entry.ts";
import { formatEnvFile } from "../../lib/env/env_file.ts";
import { escapeLineBreaks } from "../../lib/env/split_environment.ts";
import { InitRoot } from "./init_root.ts";

const root = new InitRoot();
root.applets("cat");
afterAll(() => root[Symbol.dispose]());

const ARGS = "MAN8S_APPLICATION_ARGS=cat /proc/self/environ\n";
/** What the app sees of every run below besides the file's own variables. */
const ALWAYS = { PATH: "/bin", HOME: "/" };

/** Runs the init with this env file; gives the app's environment as the kernel has it, a character a byte. */
function load(
  file: string | Uint8Array,
  nspawn: Record<string, string> = {},
): { vars: Record<string, string>; stderr: string } {
  root.write("/man8env.env", Buffer.concat([Buffer.from(ARGS), Buffer.from(file)]));
  const result = root.run(nspawn);
  expect(result.code).toBe(0);
  const vars: Record<string, string> = {};
  for (const word of result.latin1.split("\0").slice(0, -1)) {
    const equals = word.indexOf("=");
    expect(Object.hasOwn(vars, word.slice(0, equals))).toBe(false);
    vars[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return { vars, stderr: result.stderr };
}

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

describe("the environment", () => {
  test("takes values verbatim to the end of the line", () => {
    const rows: [string, string][] = [
      ["EMPTY", ""],
      ["SPACES", "  a  b  "],
      ["TABS", "\ta\t"],
      ["RETURN", "a\r"],
      ["EQUALS", "a=b=c"],
      ["QUOTES", `'a' "b" 'c`],
      ["DOLLAR", "$HOME ${PATH} $(touch /pwned) `touch /pwned`"],
      ["BACKSLASH", "a\\nb\\\\ \\"],
      ["STAR", "* /* ?"],
      ["HASH", "a # b"],
      ["TILDE", "~ ~root:~"],
    ];
    const { vars } = load(formatEnvFile(rows));
    expect(vars).toEqual({ ...ALWAYS, ...Object.fromEntries(rows) });
  });

  test("takes names that a shell cannot set, and those that it sets itself", () => {
    const names = [
      ...["my.var", "1st", "a-b", "-x", "with blank", "é", "a+", "x[0]"],
      ...["IFS", "PS1", "PS4", "OPTIND", "LINENO", "PPID", "RANDOM", "ENV"],
      ...["PWD", "OLDPWD", "SHLVL", "EPOCHSECONDS", "FUNCNAME", "HISTFILE", "_"],
      ...["m8_root", "m8_bb", "m8_word_1", "MAIL", "CDPATH", "LC_ALL", "USER"],
      ...["TZ", "LOGNAME", "NOTIFY_SOCKET", "MAN8S_CONTAINER_NAME", "BB"],
    ];
    const entries = names.map((name): EnvEntry => [name, `of ${name}, \\n`]);
    const { vars, stderr } = load(formatEnvFile(entries));
    const wanted = entries.map(([name, value]) => [latin1(name), latin1(value)]);
    expect(vars).toEqual({ ...ALWAYS, ...Object.fromEntries(wanted) });
    expect(stderr).toBe(`man8s-init: starting ${root.at("/bin/cat")} as 0:0\n`);
  });

  test("the file wins over nspawn's variables, a later line over an earlier one", () => {
    const { vars } = load("container=oci\nA=1\nHOME=/data\nA=2\nPATH=/nowhere:/bin\n", {
      container: "systemd-nspawn",
      container_uuid: "u",
      A: "0",
    });
    expect(vars).toEqual({
      container: "oci",
      container_uuid: "u",
      A: "2",
      HOME: "/data",
      PATH: "/nowhere:/bin",
    });
  });

  test("hides what nspawn sets for a systemd inside, and the init's own settings", () => {
    const { vars } = load("MAN8S_APPLICATION_USER=0\nMAN8S_DHCP_WAIT=0\n", {
      USER: "root",
      LOGNAME: "root",
      NOTIFY_SOCKET: "/run/host/notify",
      TERM: "dumb",
    });
    expect(vars).toEqual({ ...ALWAYS, TERM: "dumb" });
  });

  test("skips comments and blank lines, and names the fault of a bad one without its text", () => {
    const { vars, stderr } = load("# A=1\n\n \t\n#\nsecret\n=secret\n  B=1\nC=last");
    expect(vars).toEqual({ ...ALWAYS, "  B": "1", C: "last" });
    expect(stderr.split("\n").slice(0, 2)).toEqual([
      'man8s-init: Cannot read a line of "/man8env.env": it has no "="',
      "man8s-init: Cannot read a variable of the environment: its name is empty",
    ]);
    expect(stderr).not.toContain("secret");
  });

  test("decodes MAN8S_ESCAPED_ variables, which carry line breaks through nspawn", () => {
    const values = ["a\nb", "\n\n", "\\n", "\\\\n\n\\", "a\r\n\\r", "tail\n", ""];
    for (const value of values) {
      const { vars } = load("", { MAN8S_ESCAPED_KEY: escapeLineBreaks(value) });
      expect(vars).toEqual({ ...ALWAYS, KEY: value });
    }
    // a name for the shell itself, and an escape that nobody writes
    const { vars } = load("", {
      MAN8S_ESCAPED_IFS: ",\\n",
      MAN8S_ESCAPED_A: "x\\ty\\",
    });
    expect(vars).toEqual({ ...ALWAYS, IFS: ",\n", A: "x\\ty\\" });
  });

  test("carries any bytes but line break and NUL, those that ash uses as marks included", () => {
    const bytes = Uint8Array.from({ length: 255 }, (_, index) => index + 1);
    const value = bytes.filter((byte) => byte !== 10);
    const { vars } = load(Buffer.concat([Buffer.from("A="), value, Buffer.from("\nmy.b="), value]));
    const text = Buffer.from(value).toString("latin1");
    expect(vars).toEqual({ ...ALWAYS, A: text, "my.b": text });
  });

  test("carries any variables (property)", () => {
    const name = fc.oneof(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
      fc.stringMatching(/^[^\0\n=#][^\0\n=]{0,5}$/),
    );
    const value = fc.string({ unit: "binary", maxLength: 30 });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 40 }), (pairs) => {
        const entries = pairs.filter(
          ([key, text]) =>
            !/[\n\0]/.test(text) &&
            key.isWellFormed() &&
            text.isWellFormed() &&
            !/^MAN8S_|^(PATH|HOME)$/.test(key),
        );
        const { vars } = load(formatEnvFile(entries));
        const wanted = entries.map(([key, text]) => [latin1(key), latin1(text)]);
        expect(vars).toEqual({ ...ALWAYS, ...Object.fromEntries(wanted) });
      }),
      { numRuns: 60 },
    );
  });

  test("goes on without the file", () => {
    using bare = new InitRoot();
    bare.applets("cat");
    rmSync(bare.at("/man8env.env"));
    const result = bare.run({
      MAN8S_APPLICATION_ARGS: "cat /proc/self/environ",
    });
    expect([result.code, result.stdout.split("\0").sort()]).toEqual([
      0,
      ["", "HOME=/", "PATH=/bin"],
    ]);
  });

  test("loads 1,000 variables", () => {
    const entries = Array.from({ length: 1000 }, (_, index): EnvEntry => [
      `VARIABLE_${index}`,
      `value ${index} of some length`,
    ]);
    const { vars } = load(formatEnvFile(entries));
    expect(vars).toEqual({ ...ALWAYS, ...Object.fromEntries(entries) });
  });
});
