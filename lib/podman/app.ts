/**
 * How a container's program runs: its variables, words, user, capabilities, secrets and neighbours.
 *
 * @module
 */

import { resolve } from "node:path";
import { checkEnvName } from "../env/env_entry.ts";
import { usageError } from "../errors.ts";
import { parseDevice } from "../spec/device.ts";
import { formatRestartPolicy, parseRestartPolicy } from "../spec/restart_policy.ts";
import { capabilityName } from "../spec/capability.ts";
import {
  parseSecretMode,
  parseSecretName,
  parseSecretOwner,
  parseSecretVariable,
} from "../spec/secret_use.ts";
import { parseSignal } from "../signal.ts";
import { type Draft, note, unsupported } from "./draft.ts";
import { machineNameFor } from "./machine_name.ts";
import type { Given } from "./run_option.ts";

const fromCaller = "its value would be that of whoever calls podman; write it out as NAME=VALUE";

/** `--env NAME=VALUE`; without a value podman takes that of its caller. */
export function convertEnv(draft: Draft, { value, written }: Given): void {
  const at = value.indexOf("=");
  if (at < 0) {
    unsupported(draft, written, fromCaller);
    return;
  }
  const name = value.slice(0, at);
  checkEnvName(name);
  draft.environment.set(name, value.slice(at + 1));
}

/** `--env-file FILE`: `NAME=VALUE` a line, verbatim; `#` begins a comment. */
export function convertEnvFile(draft: Draft, { value, written, tools }: Given): void {
  for (const line of lines(tools.readText(resolve(tools.directory, value)))) {
    const [name = ""] = line.split("=");
    convertEnv(draft, { value: line, written: `${written}, ${name}`, tools });
  }
}

/** `--label KEY[=VALUE]`. */
export function convertLabel(draft: Draft, { value }: Given): void {
  const at = value.indexOf("=");
  const key = at < 0 ? value : value.slice(0, at);
  if (key === "")
    throw usageError(`Cannot read the label ${JSON.stringify(value)}: it has no name`);
  draft.labels.set(key, at < 0 ? "" : value.slice(at + 1));
}

/** `--label-file FILE`: a label a line. */
export function convertLabelFile(draft: Draft, given: Given): void {
  for (const line of lines(given.tools.readText(resolve(given.tools.directory, given.value)))) {
    convertLabel(draft, { ...given, value: line });
  }
}

/** `--entrypoint`: one program, or a JSON list of words; empty is none. */
export function convertEntrypoint(draft: Draft, { value }: Given): void {
  draft.app.entrypoint = value === "" ? [] : (readWords(value) ?? [value]);
}

/** `--user`. */
export function convertUser(draft: Draft, { value }: Given): void {
  if (!/^[^\s:]+(:[^\s:]+)?$/.test(value)) {
    throw usageError(
      `Cannot use the user ${JSON.stringify(value)}: it is not USER[:GROUP]`,
      "write a name or a number, as in 1000:1000",
    );
  }
  draft.app.user = value;
}

/** `--workdir`. */
export function convertWorkdir(draft: Draft, { value }: Given): void {
  if (!value.startsWith("/")) {
    throw usageError(`Cannot work in ${JSON.stringify(value)}: the path is not absolute`);
  }
  draft.app.workingDirectory = value;
}

/** `--restart`. */
export function convertRestart(draft: Draft, { value }: Given): void {
  draft.app.restart = parseRestartPolicy(value);
}

/** Docker starts containers of these policies when the host boots; systemd is told so with `boot`. */
export function bootAsDocker(draft: Draft): void {
  const { restart } = draft.app;
  if (restart.when !== "always" && restart.when !== "unless-stopped") return;
  draft.app.boot = true;
  note(
    draft,
    `the restart policy ${formatRestartPolicy(restart)}`,
    "boot = true: it starts with the host",
  );
}

/** `--cap-add`, `--cap-drop`: names, with commas between them. */
export function convertCapability(list: "add" | "drop") {
  return (draft: Draft, { value }: Given): void => {
    for (const word of value.split(",")) {
      const name = capabilityName(word.trim());
      if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
        throw usageError(
          `Cannot use the capability ${JSON.stringify(word)}: it is none`,
          "write a name of capabilities(7), as in NET_ADMIN, or ALL",
        );
      }
      if (!draft.capabilities[list].includes(name)) draft.capabilities[list].push(name);
    }
  };
}

/** `--device /dev/NODE[:/dev/IN][:rwm]`. */
export function convertDevice(draft: Draft, { value, written, tools }: Given): void {
  if (/^[a-z0-9.-]+\/[^=]+=/.test(value)) {
    unsupported(draft, written, "devices of CDI are not looked up; name each node below /dev");
    return;
  }
  const device = parseDevice(value);
  if (device.source.startsWith("/") && tools.kindOf(device.source) === "folder") {
    unsupported(draft, written, "it is a folder; name each node in it");
    return;
  }
  draft.app.devices.push(device);
}

/** `--stop-signal`. */
export function convertStopSignal(draft: Draft, { value }: Given): void {
  draft.app.stopSignal = parseSignal(value);
}

/** `--stop-timeout`, in seconds; -1 waits for ever, 0 not at all. */
export function convertStopTimeout(draft: Draft, { value, written }: Given): void {
  if (!/^-?\d{1,9}$/.test(value)) {
    throw usageError(`Cannot read the time ${JSON.stringify(value)}: it is no number of seconds`);
  }
  const seconds = Number(value);
  if (seconds >= 1 && seconds <= 3600) draft.app.stopTimeoutSec = seconds;
  else unsupported(draft, written, "a program gets from 1 to 3600 seconds to end");
}

/** `--secret NAME[,type=mount|env][,target=…][,uid=…][,gid=…][,mode=…]`; also `NAME,env=VAR` and `NAME,file=VAR`. */
export function convertSecret(draft: Draft, { value, written }: Given): void {
  const [first = "", ...fields] = value.split(",");
  const options = new Map(
    fields.map((field) => {
      const at = field.indexOf("=");
      return [at < 0 ? field : field.slice(0, at), at < 0 ? "" : field.slice(at + 1)];
    }),
  );
  const fail = (state: string) =>
    usageError(
      `Cannot use the secret ${JSON.stringify(value)}: ${state}`,
      "write NAME, NAME,type=env,target=VARIABLE, or NAME,file=VARIABLE",
    );
  const known = ["type", "target", "uid", "gid", "mode", "env", "file"];
  const unknown = [...options.keys()].find((option) => !known.includes(option));
  if (unknown !== undefined) throw fail(`there is no option ${JSON.stringify(unknown)}`);
  const name = parseSecretName(first.replace(/^source=/, ""));
  const [type = "mount", target] = [options.get("type"), options.get("target")];
  if (type !== "mount" && type !== "env")
    throw fail(`${JSON.stringify(type)} is neither mount nor env`);
  const variable = options.get("env") ?? (type === "env" ? (target ?? name) : undefined);
  if (
    type === "mount" &&
    target !== undefined &&
    target !== name &&
    target !== `/run/secrets/${name}`
  ) {
    unsupported(draft, written, `the file is /run/secrets/${name}; point the program there`);
  }
  const [file, mode] = [options.get("file"), options.get("mode")];
  const isOwned = options.has("uid") || options.has("gid");
  draft.app.secrets.push({
    name,
    ...(variable === undefined ? {} : { variable: parseSecretVariable(variable) }),
    ...(file === undefined ? {} : { fileVariable: parseSecretVariable(file) }),
    ...(isOwned
      ? { owner: parseSecretOwner(`${options.get("uid") ?? 0}:${options.get("gid") ?? 0}`) }
      : {}),
    ...(mode === undefined ? {} : { mode: parseSecretMode(mode) }),
  });
  note(draft, written, `give its value: mbctl secrets set MACHINE ${name}`);
}

/** `--requires NAME,…`. */
export function convertRequires(draft: Draft, { value, written }: Given): void {
  for (const container of value.split(",")) {
    const name = machineNameFor(container);
    if (name !== container) note(draft, written, `the machine is called ${name}`);
    if (!draft.app.depends.includes(name)) draft.app.depends.push(name);
  }
}

/** A JSON list of words; undefined for any other text. */
function readWords(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((word) => typeof word === "string")) return value;
  } catch {
    // It is said below.
  }
  throw usageError(
    `Cannot read the entrypoint ${JSON.stringify(text)}: it is no JSON list of words`,
  );
}

function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^[ \t]+/, ""))
    .filter((line) => line !== "" && !line.startsWith("#"));
}
