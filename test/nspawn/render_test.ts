import { describe, expect, test } from "bun:test";
import { isKnownNspawnKey } from "../../lib/nspawn/keys.ts";
import { nspawnText, nspawnWords, readNspawn } from "../../lib/nspawn/read.ts";
import { DEFAULT_NSPAWN_SETTINGS, renderNspawn } from "../../lib/nspawn/render.ts";
import { formatUnitFile, parseUnitFile, unitEntries } from "../../lib/nspawn/unit_file.ts";
import { expectGolden } from "../golden/golden.ts";
import { RENDER_INPUTS } from "./render_inputs.ts";

const CASES = Object.entries(RENDER_INPUTS).flatMap(([name, settings]) =>
  [252, 257, 262].map((version) => ({ name, version, settings })),
);

describe("renderNspawn()", () => {
  test.each(CASES)(
    "renders $name for systemd $version as the golden file",
    ({ name, version, settings }) => {
      const rendered = renderNspawn(settings, version);
      expectGolden(`nspawn/${name}.${version}.nspawn`, rendered);
      expect(formatUnitFile(parseUnitFile(rendered))).toBe(rendered);
    },
  );

  test.each(CASES)(
    "gives $name back through readNspawn() for $version",
    ({ version, settings }) => {
      const read = readNspawn(renderNspawn(settings, version));
      expect(nspawnWords(read, "Exec.Parameters")).toEqual([...settings.parameters]);
      expect(nspawnWords(read, "Exec.Environment")).toEqual(
        settings.environment.map(([name, value]) => `${name}=${value}`),
      );
      expect(nspawnText(read, "Exec.WorkingDirectory")?.replace(/(?<=[\\ ])\/$/, "")).toBe(
        settings.workingDirectory,
      );
      const binds = [
        ...(read.get("Files.Bind")?.values ?? []),
        ...(read.get("Files.BindReadOnly")?.values ?? []),
      ];
      expect(binds).toEqual(
        settings.binds.map((bind) => [
          bind.source,
          bind.target,
          bind.isIdmapped ? "idmap" : "rbind",
        ]),
      );
    },
  );

  test("writes only keys that the systemd of that version knows", () => {
    for (const { version, settings } of CASES) {
      const unknown = unitEntries(parseUnitFile(renderNspawn(settings, version))).filter(
        ({ section, key }) => !isKnownNspawnKey(section, key, version),
      );
      expect(unknown).toEqual([]);
    }
  });

  test.each([
    [
      "a value with a line break",
      { environment: [["A", "x\ny"]] },
      'Cannot write "A=x\\ny" to an nspawn file: it holds a line break',
    ],
    [
      "a relative bind",
      {
        binds: [{ source: "a", target: "/b", isIdmapped: true, isReadOnly: false }],
      },
      "it is not absolute",
    ],
    ["an empty kill signal", { killSignal: "" }, 'Cannot write "" to an nspawn file: it is empty'],
  ] as const)("refuses %s", (_, change, message) => {
    expect(() => renderNspawn({ ...DEFAULT_NSPAWN_SETTINGS, ...change }, 257)).toThrow(message);
  });
});

describe("readNspawn()", () => {
  test("adds up repeated keys, and clears them by an empty line", () => {
    const read = readNspawn(
      "[Exec]\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2 C=3\nEnvironment=D=4\nBoot=yes\nBoot=no\n",
    );
    expect(nspawnWords(read, "Exec.Environment")).toEqual(["B=2", "C=3", "D=4"]);
    expect(nspawnText(read, "Exec.Boot")).toBe("no");
    expect(nspawnText(read, "Exec.User")).toBeUndefined();
    expect(nspawnWords(read, "Exec.Parameters")).toEqual([]);
  });
});
