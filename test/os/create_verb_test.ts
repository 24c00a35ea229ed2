/** What `machines create` refuses before it looks at the host: exit code 2, and the next thing to type. */

import { expect, test } from "bun:test";
import { join } from "node:path";

const script = join(import.meta.dir, "../../scripts/machines-create.ts");

function create(...words: string[]): [exitCode: number, lines: string[]] {
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, script, "--root", "/no/such/root", ...words],
    {
      env: { ...process.env, NO_COLOR: "1" },
    },
  );
  return [exitCode, stderr.toString().trimEnd().split("\n")];
}

test.each([
  [
    ["box"],
    'mbctl: Cannot make the machine "box": no distribution is given',
    "hint: name one: --os debian:trixie",
  ],
  [
    ["box", "--os", "debain"],
    'mbctl: Cannot make a system of "debain": mbctl does not know that distribution',
    'hint: did you mean "debian"? it is one of debian, ubuntu, fedora, arch, opensuse',
  ],
  [
    ["box", "--os", "Debian 12"],
    'mbctl: Cannot read "Debian 12" as an operating system',
    "hint: write DISTRIBUTION:RELEASE, as in debian:bookworm",
  ],
  [
    ["box!", "--os", "debian"],
    'mbctl: Cannot use "box!" as a machine name: "!" is not allowed in it',
    'hint: use letters, digits, "-" and ".", as in "web-1"',
  ],
  [
    ["box", "--os", "arch", "--user", "root"],
    'mbctl: Cannot use "root" as a user: root is there already',
    'hint: write a name of small letters, digits, "-" and "_", and a uid if it matters, as in build:1001',
  ],
  [
    ["box", "--os", "arch", "--packages=-y"],
    'mbctl: Cannot use "-y" as a package: it is no name of one',
    "hint: write names with commas between: --packages git,openssh-server",
  ],
  [
    ["box", "--os", "arch", "--mirror", "file:///srv"],
    'mbctl: Cannot use "file:///srv" as a mirror: it is no URL of http, https or ftp',
    "hint: name the folder that has the distribution: --mirror http://deb.debian.org/debian",
  ],
])(
  "machines create %j says what is wrong",
  (words, message, hint) => {
    expect(create(...words)).toEqual([2, [message, hint]]);
  },
  20_000,
);
