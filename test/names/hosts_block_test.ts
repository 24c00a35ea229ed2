import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hostsLines, updateHostsFile } from "../../lib/names/hosts_block.ts";
import { knownNames } from "../../lib/names/known_names.ts";
import { expectGolden } from "../golden/golden.ts";
import { hostState, machine } from "./_state.ts";

/** A Debian host's own file. */
const debian =
  "127.0.0.1\tlocalhost\n127.0.1.1\thosta.example.org\thosta\n\n# IPv6\n::1     localhost ip6-localhost\n";
const nothing = hostState({});
const full = hostState({
  machines: [
    machine("Web", ["trusted", "mesh:443/tcp", "backup@hostb"]),
    machine("db"),
    machine("lan", ["trusted"], { kind: "macvlan", parent: "eth0" }),
    machine("offline", ["trusted"], { kind: "private" }),
  ],
  trusted: {
    hostb: "cc11c73bd4271b10b2ecba1d01a06c1465c053e665f2d9b3c97480559628bc56",
    HostC: "301:67dc:7188:57b1::/64",
  },
  imported: { hostb: ["web", "Db", "backup"], HostC: ["x"], gone: ["old"] },
});

describe("updateHostsFile()", () => {
  test("writes hosts, own machines and machines of others, behind what is there", () => {
    expectGolden("names/hosts", updateHostsFile(debian, full));
  });

  const small = hostState({ machines: [machine("web")] });
  const lines = updateHostsFile("", small);
  const rows: readonly (readonly [what: string, before: string, after: string])[] = [
    ["no file", "", lines],
    ["a file without ours", debian, debian + lines],
    ["a second run", debian + lines, debian + lines],
    ["lines behind ours", `${lines}192.0.2.1 a\n`, `${lines}192.0.2.1 a\n`],
    ["ours in the middle", `a\n${lines}b`, `a\n${lines}b`],
    ["ours twice", `a\n${lines}b\n${lines}c\n`, `a\n${lines}b\nc\n`],
    ["ours cut off", `a\n${lines.trimEnd()}`, `a\n${lines}`],
    ["ours without its first line", `a\n${lines.split("\n")[1]}\nb\n`, `a\n${lines}b\n`],
    [
      "a line that somebody wrote among ours",
      lines.replace("\n", "\n192.0.2.1 a\n"),
      `${lines}192.0.2.1 a\n`,
    ],
    ["ours with the line ends of another editor", lines.replaceAll("\n", "\r\n"), lines],
    ["a line that only speaks of us", "# mbctl does this\n", `# mbctl does this\n${lines}`],
  ];
  test.each(rows)("%s", (_, before, after) => {
    expect(updateHostsFile(before, small)).toBe(after);
  });

  test("leaves a name to the line of somebody else that gives it, wherever that stands", () => {
    const state = hostState({
      machines: [machine("web"), machine("db")],
      trusted: { hostb: "200:67dc:7188:57b1::1" },
    });
    const before = "192.0.2.2 HostB # web\n192.0.2.3\tdb.hosta.mesh.internal db db.hosta\n";
    const ours = updateHostsFile(before, state).slice(before.length).split("\n").slice(1);
    expect(ours.map((text) => text.replace(/^\S+ /, ""))).toEqual([
      "hostb.mesh.internal # mbctl",
      "web.hosta.mesh.internal web.hosta web # mbctl",
      "",
    ]);
  });

  test("takes everything of ours back: also the line end that it had to add", () => {
    for (const text of ["", debian, "127.0.0.1 localhost", "a\n\n\n", "\n"]) {
      expect(updateHostsFile(updateHostsFile(text, full), nothing)).toBe(text);
      const again = updateHostsFile(updateHostsFile(text, small), full);
      expect(updateHostsFile(again, nothing)).toBe(text);
    }
    // What was appended meanwhile began a line of its own, and keeps it.
    const appended = `${updateHostsFile("a", small)}b\n`;
    expect(updateHostsFile(appended, nothing)).toBe("a\nb\n");
  });

  test("leaves every other line alone, and is undone, whatever the file", () => {
    const line = fc.oneof(
      fc.constantFrom("127.0.0.1 localhost", "", "# mbctl!", "# mbctl begin", "x # mbctl y", "\r"),
      fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", "")),
    );
    const isOurs = (text: string) => text.trimEnd().endsWith("# mbctl");
    const file = fc.array(line.filter((text) => !isOurs(text))).map((texts) => texts.join("\n"));
    fc.assert(
      fc.property(file, fc.constantFrom(small, full), (text, state) => {
        const updated = updateHostsFile(text, state);
        expect(updated.startsWith(text)).toBe(true);
        expect(updateHostsFile(updated, state)).toBe(updated);
        expect(updateHostsFile(updated, nothing)).toBe(text);
        expect(updateHostsFile(text, nothing)).toBe(text);
      }),
    );
  });

  test("keeps all lines of others in their order, however ours lie among them", () => {
    const own = fc.constantFrom(...lines.trimEnd().split("\n"), "# mbctl", "::1 old # mbctl ");
    const other = fc
      .stringMatching(/^[a-z0-9:# ]{1,12}$/)
      .filter((text) => !text.endsWith("# mbctl"));
    fc.assert(
      fc.property(fc.array(fc.oneof(own, other)), (mixed) => {
        const others = (text: string) =>
          text.split("\n").filter((found) => !found.trimEnd().endsWith("# mbctl"));
        const text = mixed.map((found) => `${found}\n`).join("");
        const updated = updateHostsFile(text, full);
        expect(others(updated)).toEqual(others(text));
        expect(others(updateHostsFile(updated, nothing))).toEqual(others(text));
      }),
    );
  });
});

describe("knownNames()", () => {
  test("gives each name to one alone, in lower case", () => {
    const state = hostState({
      machines: [machine("web"), machine("WEB"), machine("hostb"), machine("hosta")],
      trusted: { hostb: "200:67dc:7188:57b1::1" },
    });
    expect(knownNames(state).map(({ label, names }) => [label, ...names])).toEqual([
      ["hostb", "hostb.mesh.internal", "hostb"],
      ["web@hosta", "web.hosta.mesh.internal", "web.hosta", "web"],
      ["WEB@hosta"],
      ["hostb@hosta", "hostb.hosta.mesh.internal", "hostb.hosta"],
      ["hosta@hosta", "hosta.hosta.mesh.internal", "hosta.hosta"],
    ]);
  });

  test("leaves out what no resolver can ask for", () => {
    const long = "a".repeat(64);
    const state = hostState({ machines: [machine(long), machine(`b.${"c".repeat(62)}`)] });
    expect(knownNames(state).map(({ names }) => names.length)).toEqual([0, 3]);
    expect(hostsLines(knownNames(state))).toHaveLength(1);
  });

  test("knows machines of trusted hosts alone: imported ones, and those that a rule names", () => {
    const state = hostState({
      machines: [machine("web", ["api@hostb:443/tcp", "api@stranger"])],
      trusted: { hostb: "300:1:2:3::/64" },
      imported: { hostb: ["db"], stranger: ["x"] },
    });
    expect(knownNames(state).map(({ label }) => label)).toEqual([
      "web@hosta",
      "api@hostb",
      "db@hostb",
    ]);
  });
});
