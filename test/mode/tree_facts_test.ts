import { expect, test } from "bun:test";
import { isOsRelease, type LayerEntry, TreeFactsReader } from "../../lib/mode/tree_facts.ts";

type Given = readonly [name: string, more?: string];

const text = 'PRETTY_NAME="Test Linux 1"\n';

/** A file, with a text or none; `-> TARGET` makes a link, `= TARGET` a hard link, a trailing slash a directory. */
function entryOf([name, more = ""]: Given): { entry: LayerEntry; text: string } {
  const [, kind, target = ""] = /^(->|=) (.*)$/.exec(more) ?? [];
  const type = name.endsWith("/")
    ? "directory"
    : ({ "->": "link", "=": "hard link" }[kind ?? ""] ?? "file");
  return { entry: { type, name, linkName: target }, text: target === "" ? more : "" };
}

/** Reads layers that are given lowest first, as images list them. */
function read(...layers: readonly (readonly Given[])[]) {
  const reader = new TreeFactsReader();
  for (const layer of layers.toReversed()) {
    for (const given of layer) {
      const { entry, text: content } = entryOf(given);
      reader.take(entry, isOsRelease(entry) ? content : "");
    }
    reader.endLayer();
  }
  const { system, packageManagers } = reader.facts;
  return [system, packageManagers.toSorted().join(" "), reader.isKnown] as const;
}

const debian: readonly Given[] = [
  ["bin", "-> usr/bin"],
  ["etc/"],
  ["etc/os-release", "-> ../usr/lib/os-release"],
  ["usr/bin/apt-get"],
  ["usr/lib/os-release", text],
];

test.each<readonly [string, ReturnType<typeof read>, ReturnType<typeof read>]>([
  ["a merged /usr", read(debian), ["Test Linux 1", "apt", true]],
  [
    "names with ./",
    read([["./etc/os-release", text], ["./usr/bin/dnf5"]]),
    ["Test Linux 1", "dnf", true],
  ],
  [
    "an absolute link",
    read([
      ["etc/os-release", "-> /usr/lib/os-release"],
      ["usr/lib/os-release", text],
      ["bin/zypper"],
    ]),
    ["Test Linux 1", "zypper", true],
  ],
  [
    "Fedora's chain of links",
    read([
      ["etc/os-release", "-> ../usr/lib/os-release"],
      ["usr/lib/os-release", "-> ./os.release.d/os-release-container"],
      ["usr/lib/os.release.d/os-release-container", text],
      ["usr/bin/dnf", "-> dnf5"],
    ]),
    ["Test Linux 1", "dnf", true],
  ],
  [
    "a hard link",
    read([
      ["usr/lib/os-release", text],
      ["etc/os-release", "= usr/lib/os-release"],
      ["usr/bin/pacman"],
    ]),
    ["Test Linux 1", "pacman", true],
  ],
  [
    "links that loop",
    read([["etc/os-release", "-> os-release"], ["usr/bin/apt-get"]]),
    [undefined, "apt", false],
  ],
  [
    "a link that leads elsewhere",
    read([["etc/os-release", "-> /nix/store/x"], ["usr/bin/apt-get"]]),
    [undefined, "apt", false],
  ],
  [
    "os-release in /usr alone",
    read([["usr/lib/os-release", text], ["usr/bin/apt-get"]]),
    ["Test Linux 1", "apt", false],
  ],
  ["nothing but a shell", read([["bin/sh"]]), [undefined, "", false]],
  [
    "a manager that is of no use",
    read([["sbin/apk"], ["etc/os-release", text]]),
    ["Test Linux 1", "apk", false],
  ],
  [
    "a program elsewhere",
    read([["opt/bin/apt-get"], ["usr/share/bin/dnf"]]),
    [undefined, "", false],
  ],
  [
    "a directory of that name",
    read([["usr/bin/apt-get/"], ["usr/bin/apt-get/file"]]),
    [undefined, "", false],
  ],
  [
    "an upper os-release",
    read(debian, [["usr/lib/os-release", "PRETTY_NAME=Upper\n"]]),
    ["Upper", "apt", true],
  ],
  [
    "a whiteout of the manager",
    read(debian, [["usr/bin/.wh.apt-get"]]),
    ["Test Linux 1", "", false],
  ],
  ["a whiteout of a folder above it", read(debian, [["usr/.wh.bin"]]), ["Test Linux 1", "", false]],
  [
    "an opaque folder",
    read(debian, [["usr/bin/"], ["usr/bin/sh"], ["usr/bin/.wh..wh..opq"]]),
    ["Test Linux 1", "", false],
  ],
  ["an opaque root", read(debian, [[".wh..wh..opq"], ["bin/sh"]]), [undefined, "", false]],
  [
    "a whiteout hides nothing of its own layer",
    read(debian, [["usr/bin/apt-get"], ["usr/bin/.wh..wh..opq"], ["usr/bin/.wh.apt-get"]]),
    ["Test Linux 1", "apt", true],
  ],
  [
    "a whiteout hides nothing of the layers above",
    read([["usr/bin/.wh.apt-get"]], debian),
    ["Test Linux 1", "apt", true],
  ],
  ["a file where a folder was", read(debian, [["usr", "-> elsewhere"]]), [undefined, "", false]],
  ["a directory over a manager", read(debian, [["usr/bin/apt-get/"]]), ["Test Linux 1", "", false]],
  [
    "a directory over a folder",
    read(debian, [["usr/"], ["usr/bin/"], ["etc/"]]),
    ["Test Linux 1", "apt", true],
  ],
  ["aufs' records", read([[".wh..wh.plnk/usr/bin/apt-get"]]), [undefined, "", false]],
])("TreeFactsReader reads %s", (_, found, expected) => {
  expect(found).toEqual(expected);
});

test("a layer of a million names takes no memory", () => {
  const reader = new TreeFactsReader();
  Bun.gc(true);
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 500_000; index++) {
    reader.take({ type: "file", name: `bin/program-${index}`, linkName: "" });
    reader.take({ type: "file", name: `etc/os-release-${index}`, linkName: "" });
  }
  Bun.gc(true);
  // 225 bytes for each name would be twice as much.
  expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  expect(reader.isKnown).toBe(false);
}, 20_000);
