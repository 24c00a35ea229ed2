import { describe, expect, test } from "bun:test";
import { PassThrough, Writable } from "node:stream";
import { createPrompt, type PromptSettings } from "../../lib/cli/prompt.ts";
import { MbctlError } from "../../lib/errors.ts";

const KEY = {
  enter: "\r",
  down: "\x1b[B",
  left: "\x1b[D",
  escape: "\x1b",
  interrupt: "\x03",
};

/** A prompt whose keys are pressed as soon as it is drawn; what it draws is kept. */
function promptWith(keys: readonly string[], settings: Partial<PromptSettings> = {}) {
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => input,
  });
  let drawn = "";
  let pressed = 0;
  const output = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        drawn += String(chunk);
        if (pressed++ === 0)
          for (const [index, key] of keys.entries())
            setTimeout(() => input.write(key), 20 * (index + 1));
        done();
      },
    }),
    { isTTY: true, columns: 80, rows: 24 },
  );
  const prompt = createPrompt({
    isTerminal: true,
    yes: false,
    signal: new AbortController().signal,
    input,
    output,
    ...settings,
  });
  return { prompt, drawn: () => drawn };
}

const question = { message: "Remove\x1b[2J it?", flag: "--yes" };
const options = [
  { value: "config", label: "config" },
  { value: "data", label: "data", hint: "kept apart" },
] as const;

describe("createPrompt()", () => {
  test("takes no for the answer to a question that is only acknowledged", async () => {
    expect(await promptWith([KEY.enter]).prompt.confirm(question)).toBe(false);
  });

  test("takes y for yes", async () => {
    expect(await promptWith(["y"]).prompt.confirm(question)).toBe(true);
  });

  test("shows no control character of the message", async () => {
    const { prompt, drawn } = promptWith([KEY.enter]);
    await prompt.confirm(question);
    expect(drawn()).toMatch(/Remove\\x1b\[2J it\?/);
  });

  test("gives the value of the option that was chosen", async () => {
    const { prompt } = promptWith([KEY.down, KEY.enter]);
    expect(await prompt.select({ ...question, options })).toBe("data");
  });

  test("begins at the option that is named", async () => {
    const { prompt } = promptWith([KEY.enter]);
    expect(await prompt.select({ ...question, options, initial: "data" })).toBe("data");
  });

  test("shows nothing of what is typed where it is to be hidden", async () => {
    const { prompt, drawn } = promptWith(["q", "w", "z", KEY.enter]);
    expect(await prompt.hidden(question)).toBe("qwz");
    expect(drawn()).not.toMatch(/[qwz]/);
  });

  test("asks again for a text that is refused", async () => {
    const { prompt, drawn } = promptWith(["x", KEY.enter, "y", KEY.enter]);
    const validate = (text: string) => (text === "xy" ? undefined : `no "${text}"`);
    expect(await prompt.text({ ...question, validate })).toBe("xy");
    expect(drawn()).toMatch(/no "x"/);
  });

  test.each([[KEY.interrupt], [KEY.escape]])("is cancelled by %j", async (key) => {
    const { prompt } = promptWith([key]);
    await expect(prompt.confirm(question)).rejects.toMatchObject({
      kind: "interrupted",
    });
  });

  test("ends when the work is stopped", async () => {
    const controller = new AbortController();
    const { prompt } = promptWith([], { signal: controller.signal });
    const answer = prompt.confirm(question);
    const reason = new MbctlError("interrupted", "Stopped by SIGTERM");
    setTimeout(() => controller.abort(reason), 30);
    await expect(answer).rejects.toBe(reason);
  });

  test("asks nothing under --yes", async () => {
    const { prompt, drawn } = promptWith([], { yes: true });
    expect(await prompt.confirm(question)).toBe(true);
    expect(drawn()).toBe("");
  });

  test("names the flag where there is no terminal", async () => {
    const { prompt } = promptWith([], { isTerminal: false });
    expect(prompt.isPossible).toBe(false);
    await expect(
      prompt.select({ ...question, flag: "--mount /data=skip", options }),
    ).rejects.toMatchObject({
      kind: "usage",
      hint: "answer with --mount /data=skip",
    });
  });
});
