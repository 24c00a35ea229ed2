/** The table of options against the lists of the programs themselves. */

import { describe, expect, test } from "bun:test";
import { newDraft } from "../../lib/podman/draft.ts";
import { convertedOptions } from "../../lib/podman/options_app.ts";
import { otherOptions } from "../../lib/podman/options_without.ts";
import {
  applyRunOptions,
  findRunOption,
  requireRunOption,
  runOptions,
} from "../../lib/podman/run_options.ts";
import { noFiles } from "./_tools.ts";
// From `podman run --help`, `docker run --help`, and podman 5's podman-run(1); "=" stands behind those that take a value.
import lists from "./options.json";

/** These are read with the command itself. */
const ofTheCommand = ["help", "name"];

describe.each(Object.entries(lists))("the options of %s", (_program, written) => {
  const wanted = written
    .map((text) => ({ name: text.replace("=", ""), takesValue: text.endsWith("=") }))
    .filter(({ name }) => !ofTheCommand.includes(name));

  test("are all in the table", () => {
    expect(wanted.filter(({ name }) => findRunOption(name) === undefined)).toEqual([]);
  });

  test("take a value there if they do here: or the next word would be read wrongly", () => {
    const wrong = wanted.filter(
      ({ name, takesValue }) => findRunOption(name)?.takesValue !== takesValue,
    );
    expect(wrong).toEqual([]);
  });
});

test("the table has each name and each letter once", () => {
  const names = runOptions.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  expect(names).toEqual([...new Set(names)]);
  const letters = runOptions.flatMap(({ short = [] }) => short);
  expect(letters).toEqual([...new Set(letters)]);
});

test("every letter of podman and docker is known", () => {
  for (const letter of "acdehilmpPqtuvw") expect(findRunOption(letter)?.short).toBe(letter);
});

test("an option without an equivalent says why, or that nothing is lost", () => {
  for (const option of otherOptions) {
    const draft = newDraft();
    const value = option.takesValue ? "something" : option.name === "tls-verify" ? "false" : "true";
    option.convert(draft, { value, written: "it", tools: noFiles });
    expect([option.name, draft.remarks.length]).toEqual([option.name, 1]);
    expect(draft.remarks[0]?.reason.length).toBeGreaterThan(10);
  }
});

test("a converted option leaves something in the draft", () => {
  const values: Readonly<Record<string, string>> = {
    publish: "80:80",
    network: "host",
    volume: "/a:/b",
    mount: "type=volume,destination=/b",
    tmpfs: "/b",
    memory: "1g",
    restart: "always",
    workdir: "/b",
    device: "/dev/fuse",
    ulimit: "nofile=5",
    "stop-signal": "INT",
    env: "A=b",
    "read-only-tmpfs": "false",
    "health-interval": "5s",
    "health-timeout": "5s",
    "health-start-period": "5s",
    "health-on-failure": "stop",
    "cap-add": "CHOWN",
    "cap-drop": "CHOWN",
  };
  for (const option of convertedOptions) {
    const draft = newDraft();
    const value = option.takesValue
      ? (values[option.name] ?? "20")
      : (values[option.name] ?? "true");
    const tools = { ...noFiles, readText: () => "A=b\n" };
    option.convert(draft, { value, written: "it", tools });
    expect([option.name, Bun.deepEquals(draft, newDraft())]).toEqual([option.name, false]);
  }
});

test("requireRunOption() names the nearest", () => {
  expect(() => requireRunOption("volumne")).toThrow(
    expect.objectContaining({ hint: 'did you mean "--volume"?' }),
  );
  expect(() => requireRunOption("z")).toThrow(
    "neither podman run nor docker run has such an option",
  );
});

test("applyRunOptions() lets the last one count, and says so", () => {
  const draft = newDraft();
  const user = requireRunOption("user");
  const given = ["1", "2"].map((value) => ({ option: user, value, written: `--user ${value}` }));
  applyRunOptions(draft, given, noFiles);
  expect(draft.app.user).toBe("2");
  expect(draft.remarks.map(({ option }) => option)).toEqual(["--user 1"]);
});

test("applyRunOptions() lets --env count over --env-file, wherever it stands", () => {
  const draft = newDraft();
  const given = [
    { option: requireRunOption("env"), value: "A=mine", written: "--env A" },
    { option: requireRunOption("env-file"), value: "x", written: "--env-file x" },
  ];
  applyRunOptions(draft, given, { ...noFiles, readText: () => "A=theirs\nB=2\n" });
  expect([...draft.environment]).toEqual([
    ["A", "mine"],
    ["B", "2"],
  ]);
});
