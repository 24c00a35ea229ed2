import { describe, expect, test } from "bun:test";
import { defineVerb, operandLabel } from "../../lib/cli/verb.ts";

describe("defineVerb()", () => {
  const facts = { summary: "x", examples: [], run: () => undefined };
  const text = { kind: "text", help: "x" } as const;
  const flag = { type: "boolean", help: "x" } as const;
  test.each([
    [{ ...facts, name: "Machines Pull" }],
    [{ ...facts, name: "a b c d" }],
    [{ ...facts, name: "a", flags: { json: flag } }],
    [{ ...facts, name: "a", flags: { b: flag }, operands: { b: text } }],
    [
      {
        ...facts,
        name: "a",
        operands: { b: { ...text, repeat: true }, c: text },
      },
    ],
    [
      {
        ...facts,
        name: "a",
        operands: { b: { ...text, optional: true }, c: text },
      },
    ],
    [{ ...facts, name: "a", flags: { b: { ...flag, short: "v" } } }],
    [
      {
        ...facts,
        name: "a",
        flags: { b: { ...flag, short: "q" }, c: { ...flag, short: "q" } },
      },
    ],
  ])("refuses %j", (definition: Parameters<typeof defineVerb>[0]) => {
    expect(() => defineVerb(definition)).toThrow(TypeError);
  });

  /** Whether two types are the same. */
  type Same<A, B> =
    (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  const holds = <T extends true>(value: T): T => value;

  test("knows the type of every argument", () => {
    const verb = defineVerb({
      ...facts,
      name: "a b",
      operands: {
        image: {
          kind: "image",
          help: "x",
          parse: (text: string) => text.length,
        },
        shell: { kind: "choice", choices: ["bash", "zsh"], help: "x" },
        names: { kind: "machine", help: "x", repeat: true, optional: true },
      },
      flags: {
        lines: { type: "integer", value: "N", help: "x" },
        size: { type: "integer", value: "N", help: "x", default: 3 },
        color: { type: "choice", choices: ["red", "green"], help: "x" },
        shade: {
          type: "choice",
          choices: ["light", "dark"],
          help: "x",
          default: "dark",
        },
        env: { type: "string", value: "V", help: "x", repeat: true },
        into: {
          type: "string",
          value: "V",
          help: "x",
          parse: (text: string) => [text],
        },
        follow: { type: "boolean", help: "x" },
        tlsVerify: { type: "boolean", tristate: true, help: "x" },
      },
      tail: { command: { help: "x" } },
      run(_context, args) {
        holds<Same<typeof args.image, number>>(true);
        holds<Same<typeof args.shell, "bash" | "zsh">>(true);
        holds<Same<typeof args.names, readonly string[]>>(true);
        holds<Same<typeof args.lines, number | undefined>>(true);
        holds<Same<typeof args.size, number>>(true);
        holds<Same<typeof args.color, "red" | "green" | undefined>>(true);
        holds<Same<typeof args.shade, "light" | "dark">>(true);
        holds<Same<typeof args.env, readonly string[]>>(true);
        holds<Same<typeof args.into, string[] | undefined>>(true);
        holds<Same<typeof args.follow, boolean>>(true);
        holds<Same<typeof args.tlsVerify, boolean | undefined>>(true);
        holds<Same<typeof args.command, readonly string[]>>(true);
        // @ts-expect-error: there is no such argument
        return args.nothing;
      },
    });
    expect(verb.name).toBe("a b");
  });
});

describe("operandLabel()", () => {
  test("shows a key in capitals, or the label", () => {
    expect(operandLabel("newName")).toBe("NEW-NAME");
    expect(operandLabel("names", { kind: "machine", help: "x", label: "NAME" })).toBe("NAME");
  });
});
