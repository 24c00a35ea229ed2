/** Values on every systemd: what an image's configuration, `--env` and `--mount` say arrives as it is, byte by byte. */

import { describe, expect, test } from "bun:test";
import { NASTY_ENVIRONMENT, NASTY_PATHS, NASTY_WORDS } from "../nspawn/nasty_values.ts";
import { testedHosts, testTimeoutMs } from "./_lab.ts";
import { dataPath, type ImageRecipe, hostWith, pull, runToEnd, treePath } from "./_machines.ts";

type Variable = readonly [name: string, value: string];

/** What man8env.env and an nspawn file cannot hold as it is, and a shell may lose. */
const lineBreaks: readonly string[] = [
  "\n",
  "two\nlines",
  "ends\n",
  "\n\n begins",
  "back\\slash, \\n as it is\nand a real one\\",
  "dos\r\nline",
  "carriage\rreturn",
  "$(touch /pwned)\n`touch /pwned`",
];

/** Names that mean something to a shell, to the init, to the loader; and names that are no identifiers. */
const nastyNames: readonly Variable[] = [
  ..."IFS PS1 PS4 PWD OLDPWD SHLVL OPTIND PPID RANDOM LINENO ENV USER LOGNAME NOTIFY_SOCKET _"
    .split(" ")
    .map((name): Variable => [name, `own ${name}`]),
  ..."m8_bb m8_dir m8_args m8_words m8_word_1 m8_uid"
    .split(" ")
    .map((name): Variable => [name, "/evil; touch /pwned"]),
  ["my.var", "a dot"],
  ["a-b", "a dash"],
  ["ünï", "no ASCII"],
  ["1st", "a digit in front"],
  ["BASH_FUNC_f%%", "() { touch /pwned; }"],
];

const imageVariables: readonly Variable[] = [
  ["PATH", "/bin:/quoted \"and\" 'apostrophe':/back\\slash:/$HOME"],
  ["TERM", `it's "odd" \\ $TERM %n`],
  ["LANG", ""],
  ...NASTY_ENVIRONMENT,
  ...nastyNames,
  ...lineBreaks.map((value, index): Variable => [`BREAK_${index}`, value]),
  ["REPLACED", "by the image"],
];
const userVariables: readonly Variable[] = [
  ["HOME", "/home of\\the user\n"],
  ...[...NASTY_WORDS, ...lineBreaks].map((value, index): Variable => [`USER_${index}`, value]),
  ["user.var", "$(touch /pwned)"],
  ["REPLACED", "by the user\nat last"],
];

/** What nspawn gives every machine by itself, beside what mbctl sets. */
const nspawnsOwn = /^(container|container_uuid|container_host_.*|container_ttys)=/;

const words = [...NASTY_WORDS, ...lineBreaks];
// The shell knows nothing of the environment yet that /proc shows: it is the one that the init has made.
const dump =
  "#!/bin/sh\ncat /proc/$$/environ >/out/environ\ncat /proc/$$/cmdline >/out/arguments\n";
const workingDir = `/work "dir" 'and' \\ $HOME %n ünï`;
const writePaths = `#!/bin/sh
readlink /proc/$$/cwd >/out/directory
for path; do echo "in $path" >"$path/file"; done
`;

const images: Readonly<Record<string, ImageRecipe>> = {
  ...Object.fromEntries(
    ["", "1000:1000"].map((user, index) => [
      `Values${index}`,
      {
        files: [
          { path: "bin/dump", mode: 0o755, content: dump },
          { path: "out/", type: "dir", mode: 0o1777 },
        ],
        config: {
          User: user,
          Env: imageVariables.map(([name, value]) => `${name}=${value}`),
          Volumes: { "/out": {} },
          Entrypoint: ["/bin/dump", ...words],
          Cmd: ["the", "command"],
        },
      } satisfies ImageRecipe,
    ]),
  ),
  Paths: {
    files: [{ path: "bin/write-paths", mode: 0o755, content: writePaths }],
    config: {
      Volumes: Object.fromEntries(["/out", ...NASTY_PATHS].map((path) => [path, {}])),
      WorkingDir: workingDir,
      Entrypoint: ["write-paths", ...NASTY_PATHS],
    },
  },
};

describe.each(testedHosts)("values on %s", (os) => {
  const host = hostWith(os, images);

  test.each([
    ["root", "Values0"],
    ["a user without entry", "Values1"],
  ])(
    "environment and arguments arrive exactly, at an app that runs as %s",
    async (_user, name) => {
      const env = userVariables.map(([name, value]) => `--env=${name}=${value}`);
      await pull(host(), name, ["--mount=/out=data", ...env]);
      const { status, log } = await runToEnd(host(), name);
      expect(status, log).toBe(0);

      const [shell, script, ...args] = await readWords(`${name}`, "arguments");
      expect([shell, script, args]).toEqual(["/bin/sh", "/bin/dump", [...words, "the", "command"]]);

      const arrived = (await readWords(name, "environ")).filter(
        (entry) => !nspawnsOwn.test(entry) && !entry.startsWith("MAN8S_"),
      );
      const expected = new Map([...imageVariables, ...userVariables]);
      expect(arrived.sort()).toEqual([...expected].map(([key, value]) => `${key}=${value}`).sort());
      expect(
        (
          await host().run(["ls", "-d", `${treePath(name)}/pwned`], {
            allowFailure: true,
          })
        ).exitCode,
      ).toBe(2);
    },
    testTimeoutMs,
  );

  test(
    "volumes and the working directory arrive exactly, whatever their names",
    async () => {
      const mounts = ["/out", ...NASTY_PATHS].map((path) => `--mount=${path}=data`);
      await pull(host(), "Paths", mounts);
      const { status, log } = await runToEnd(host(), "Paths");
      expect(status, log).toBe(0);
      expect(await host().readFile(dataPath("Paths", "/out/directory"))).toBe(`${workingDir}\n`);
      for (const path of NASTY_PATHS)
        expect(await host().readFile(dataPath("Paths", `${path}/file`))).toBe(`in ${path}\n`);
    },
    testTimeoutMs,
  );

  /** The NUL-terminated words that the app wrote. */
  async function readWords(name: string, file: string): Promise<string[]> {
    const { stdout } = await host().run(["base64", dataPath(name, `/out/${file}`)]);
    // A leading byte order mark is a part of the value.
    const text = new TextDecoder("utf-8", {
      fatal: true,
      ignoreBOM: true,
    }).decode(Buffer.from(stdout, "base64"));
    expect(text.endsWith("\0")).toBe(true);
    return text.slice(0, -1).split("\0");
  }
});
