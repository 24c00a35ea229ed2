/**
 * `podman run …` and `docker run …`, read as these programs read them, and converted.
 *
 * @module
 */

import { basename } from "node:path";
import { type MbctlError, usageError } from "../errors.ts";
import { bootAsDocker } from "./app.ts";
import {
  type Conversion,
  convertedContainer,
  imageReference,
  joinContainers,
} from "./conversion.ts";
import { newDraft, note } from "./draft.ts";
import { machineNameFor, nameOfImage } from "./machine_name.ts";
import { type ConvertTools, type RunOption, showOption } from "./run_option.ts";
import { keepPodmansTmpfs } from "./volumes.ts";
import { applyRunOptions, type GivenOption, requireRunOption } from "./run_options.ts";

/** A command, taken apart. */
export interface RunCommand {
  readonly program: "podman" | "docker";
  readonly options: readonly GivenOption[];
  /** `--name`. */
  readonly name: string | undefined;
  readonly image: string;
  /** What follows the image. */
  readonly command: readonly string[];
}

/**
 * Converts a command.
 *
 * @param words as a shell gives them: `podman`, `run`, …
 * @throws {MbctlError} (usage) for an option that there is not, or a value that cannot be read.
 */
export function convertRunCommand(words: readonly string[], tools: ConvertTools): Conversion {
  const { program, options, name, image, command } = parseRunCommand(words);
  const draft = newDraft();
  const reference = imageReference(draft, image, tools.directory);
  applyRunOptions(draft, options, tools);
  if (command.length > 0) draft.app.args = [...command];
  if (program === "podman") keepPodmansTmpfs(draft);
  bootAsDocker(draft);
  const called = name ?? nameOfImage(image);
  const machine = machineNameFor(called);
  if (name === undefined) note(draft, image, `without --name the machine is called ${machine}`);
  else if (machine !== name) note(draft, `--name ${name}`, `the machine is called ${machine}`);
  return joinContainers([convertedContainer(draft, machine, reference)]);
}

/**
 * Takes a command apart: `[sudo] podman|docker [container] run|create [OPTION…] IMAGE [WORD…]`.
 *
 * @throws {MbctlError} (usage)
 */
export function parseRunCommand(words: readonly string[]): RunCommand {
  const rest = [...words];
  if (rest[0] === "sudo") rest.shift();
  const written = rest.shift() ?? "";
  const program = basename(written);
  if (program !== "podman" && program !== "docker") {
    throw noCommand(`it begins with ${JSON.stringify(written.replace(/=.*/s, "="))}`);
  }
  if (rest[0] === "container") rest.shift();
  const verb = rest.shift();
  if (verb !== "run" && verb !== "create") {
    throw noCommand(`${JSON.stringify(verb ?? "nothing")} follows ${program}`);
  }
  const { options, name, operands } = parseRunOptions(rest);
  const [image, ...command] = operands;
  if (image === undefined) throw noCommand("it names no image");
  return { program, options, name, image, command };
}

/** The options in front of the first word that is none (podman and docker do not mix them either). */
export function parseRunOptions(words: readonly string[]): {
  readonly options: readonly GivenOption[];
  readonly name: string | undefined;
  readonly operands: readonly string[];
} {
  const options: GivenOption[] = [];
  let name: string | undefined;
  let at = 0;
  const take = (written: string): string => {
    const value = words[++at];
    if (value === undefined) throw usageError(`Cannot convert ${written}: it needs a value`);
    return value;
  };
  const add = (option: RunOption, written: string, value: string | undefined) => {
    if (option.takesValue) {
      const text = value ?? take(written);
      options.push({ option, value: text, written: showOption(option, `${written} `, text) });
    } else {
      const isOn = value === undefined || readSwitch(written, value);
      options.push({ option, value: String(isOn), written: isOn ? written : `${written}=false` });
    }
  };
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      at++;
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const written = equals < 0 ? word : word.slice(0, equals);
      const value = equals < 0 ? undefined : word.slice(equals + 1);
      if (written === "--name") name = value ?? take(written);
      else if (written === "--help") throw noCommand("it asks for help");
      else add(requireRunOption(written.slice(2)), written, value);
    } else if (word.startsWith("-") && word !== "-") {
      for (let letter = 1; letter < word.length; letter++) {
        const option = requireRunOption(word[letter] ?? "");
        const joined = word.slice(letter + 1);
        // pflag: what follows the letter of an option with a value is the value, with or without "=".
        const isValue = option.takesValue ? joined !== "" : joined.startsWith("=");
        add(option, `-${word[letter]}`, isValue ? joined.replace(/^=/, "") : undefined);
        if (isValue || option.takesValue) break;
      }
    } else {
      break;
    }
  }
  return { options, name, operands: words.slice(at) };
}

/** As Go's strconv.ParseBool reads it. */
function readSwitch(written: string, text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw usageError(`Cannot convert ${written}=${text}: it is neither true nor false`);
}

function noCommand(state: string): MbctlError {
  return usageError(
    `Cannot convert the command: ${state}`,
    "give it as 'podman run OPTIONS IMAGE …' or 'docker run OPTIONS IMAGE …'",
  );
}
