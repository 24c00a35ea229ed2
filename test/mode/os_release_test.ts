import { expect, test } from "bun:test";
import { systemName } from "../../lib/mode/os_release.ts";

test.each([
  [
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
    "Debian GNU/Linux 12 (bookworm)",
  ],
  ["NAME=Fedora\nID=fedora\n", "Fedora"],
  ["PRETTY_NAME='Single quotes'\n", "Single quotes"],
  ["PRETTY_NAME=\nNAME=Name\n", "Name"],
  ["# PRETTY_NAME=no\n", "Linux"],
  ["", "Linux"],
  ["PRETTY_NAME=a\\tb  c\n", "a\\tb c"],
  [Buffer.from("PRETTY_NAME=Über\n").toString("latin1"), "Über"],
  [`PRETTY_NAME=${"x".repeat(100)}`, "x".repeat(60)],
  ["[section]\nPRETTY_NAME=no\n", "Linux"],
])("systemName() of %j is %s", (text, name) => {
  expect(systemName(text)).toBe(name);
});
