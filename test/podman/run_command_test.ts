/** Whole commands: real ones against a golden file, and those that cannot be. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatPublishedPort } from "../../lib/network/published_port.ts";
import { joinContainers, renderConversion } from "../../lib/podman/conversion.ts";
import { convertRunCommand, parseRunCommand } from "../../lib/podman/run_command.ts";
import { splitShellWords } from "../../lib/podman/shell_words.ts";
import { parseDeclaration } from "../../lib/spec/machine_toml.ts";
import { expectGolden } from "../golden/golden.ts";
import { noFiles, renderAll } from "./_tools.ts";
import { commands } from "./commands.ts";

const convert = (words: readonly string[]) => convertRunCommand(words, noFiles);

test("real commands become machines", () => {
  const texts = Object.entries(commands).map(
    ([name, command]) =>
      `#### ${name}\n${command}\n\n${renderAll(convert(splitShellWords(command)))}`,
  );
  expectGolden("podman/run_commands.txt", texts.join("\n"));
});

describe("parseRunCommand()", () => {
  const options = (...words: string[]) =>
    parseRunCommand(["podman", "run", ...words, "image"]).options.map(
      ({ option, value }) => `${option.name}=${value}`,
    );

  test.each([
    [["-p", "80:80"], ["publish=80:80"]],
    [["-p80:80"], ["publish=80:80"]],
    [["-p=80:80"], ["publish=80:80"]],
    [["--publish=80:80"], ["publish=80:80"]],
    [["--publish", "80:80"], ["publish=80:80"]],
    [["--net=host"], ["network=host"]],
    [["-dit"], ["detach=true", "interactive=true", "tty=true"]],
    [
      ["-itp", "80:80"],
      ["interactive=true", "tty=true", "publish=80:80"],
    ],
    [["--rm=false"], ["rm=false"]],
    [
      ["-d=true", "--init=0"],
      ["detach=true", "init=false"],
    ],
    [["-e", "A=-x"], ["env=A=-x"]],
    [["--cap-add", "-x"], ["cap-add=-x"]],
    [["--entrypoint", ""], ["entrypoint="]],
  ])("reads %j", (words, given) => {
    expect(options(...words)).toEqual(given);
  });

  test("takes all after the image as they are", () => {
    const { image, command, name } = parseRunCommand(
      "docker run --name a img -d --name b".split(" "),
    );
    expect([image, command, name]).toEqual(["img", ["-d", "--name", "b"], "a"]);
    expect(parseRunCommand("docker run -- img -x".split(" ")).image).toBe("img");
  });

  test.each([
    ["docker", '"nothing" follows docker'],
    ["", 'it begins with ""'],
    ["nerdctl run x", 'it begins with "nerdctl"'],
    ["A=b podman run x", 'it begins with "A="'],
    ["podman ps", '"ps" follows podman'],
    ["podman --log-level debug run x", '"--log-level" follows podman'],
    ["podman run", "it names no image"],
    ["podman run -d", "it names no image"],
    ["podman run --help", "it asks for help"],
  ])("refuses %j: %s", (command, state) => {
    expect(() => parseRunCommand(splitShellWords(command))).toThrow(
      `Cannot convert the command: ${state}`,
    );
  });

  test.each([
    [
      "podman run --volum /a x",
      "Cannot convert --volum: neither podman run nor docker run has such an option",
    ],
    ["podman run -z x", "Cannot convert -z: neither podman run nor docker run has such an option"],
    ["podman run -dz x", "Cannot convert -z: neither podman run nor docker run has such an option"],
    ["podman run --rm=maybe x", "Cannot convert --rm=maybe: it is neither true nor false"],
    ["podman run -p", "Cannot convert -p: it needs a value"],
    ["podman run --name", "Cannot convert --name: it needs a value"],
  ])("refuses %j", (command, message) => {
    expect(() => parseRunCommand(splitShellWords(command))).toThrow(message);
  });
});

test.each([
  ["podman run Nginx", "Cannot parse image reference"],
  ["podman run --name _ nginx", "Cannot make a machine name"],
  ["podman run -v /a:/b -v /c:/b nginx", 'Cannot put two volumes at "/b"'],
  ["podman run --cpu-quota 1 nginx", "it is not from 0.01 to 8192"],
])("convertRunCommand() refuses %j", (command, message) => {
  expect(() => convert(splitShellWords(command))).toThrow(message);
});

test("secrets on the command line are not repeated in what is said", () => {
  const words =
    "podman run -e PW=hidden1 --env-merge PW=hidden2 --creds me:hidden3 --decryption-key k:hidden4 -e NAME x";
  const said = convert(splitShellWords(words)).remarks.map(({ option }) => option);
  expect(said).toEqual(["--env-merge PW", "--creds", "--decryption-key", "-e NAME", "x"]);
});

test("a read-only machine of podman's may write to /var/tmp, one of Docker's not", () => {
  const places = (command: string) =>
    convert(splitShellWords(command)).machines[0]?.volumes.map(({ path, kind }) => [path, kind]);
  expect(places("podman run --read-only x")).toEqual([["/var/tmp", "tmpfs"]]);
  expect(places("podman run --read-only -v /var/tmp x")).toEqual([["/var/tmp", "data"]]);
  expect(places("podman run --read-only --read-only-tmpfs=false x")).toEqual([]);
  expect(places("docker run --read-only x")).toEqual([]);
  expect(places("podman run x")).toEqual([]);
});

test("an image of podman's own store is named", () => {
  const { remarks } = convert(["podman", "run", "--name", "a", "localhost/mine"]);
  expect(remarks.map(({ kind, option }) => [kind, option])).toEqual([
    ["unsupported", "localhost/mine"],
  ]);
});

test("what is written is read back as the same machine", () => {
  const port = fc.integer({ min: 1, max: 65_535 });
  const word = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
    .filter((text) => !text.includes("\0"));
  const pieces = fc.record({
    env: fc.array(fc.tuple(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/), word)),
    ports: fc.array(fc.tuple(port, port)),
    args: fc.array(word),
    memory: fc.integer({ min: 1, max: 1 << 30 }),
    cpus: fc.integer({ min: 1, max: 64 }),
  });
  fc.assert(
    fc.property(pieces, ({ env, ports, args, memory, cpus }) => {
      const conversion = convert([
        ...["podman", "run", "--name", "web", "-m", `${memory}b`, `--cpus=${cpus}`],
        ...env.flatMap(([name, value]) => ["-e", `${name}=${value}`]),
        ...ports.flatMap((pair) => ["-p", pair.join(":")]),
        ...["image", ...args],
      ]);
      const [text] = renderConversion(conversion);
      const read = parseDeclaration(text?.toml ?? "", "web.toml");
      expect(Object.fromEntries(read.environment)).toEqual(Object.fromEntries(env));
      expect(read.publish.map(formatPublishedPort)).toEqual(ports.map((pair) => pair.join(":")));
      expect(read.args ?? []).toEqual(args);
      expect(read.limits).toEqual({ memory, cpus });
    }),
  );
});

test("joinContainers() refuses two containers of one name", () => {
  const { machines } = convert(["podman", "run", "--name", "web", "x"]);
  const [machine] = machines;
  if (machine === undefined) throw new Error("no machine");
  const twin = { machine, draft: { remarks: [], namedVolumes: [] } } as never;
  expect(() => joinContainers([twin, twin])).toThrow('two containers would be the machine "web"');
});
