/**
 * Quadlets (podman-systemd.unit(5)): each `.container` file a machine.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { didYouMean } from "../cli/suggest.ts";
import { MbctlError, usageError } from "../errors.ts";
import { parseUnitFile, type UnitEntry, unitEntries } from "../nspawn/unit_file.ts";
import type { MachineName } from "../spec/machine_name.ts";
import {
  type Conversion,
  type ConvertedContainer,
  convertedContainer,
  imageReference,
  joinContainers,
  type MachineRemark,
} from "./conversion.ts";
import { type Draft, newDraft, note, unsupported } from "./draft.ts";
import { machineNameFor } from "./machine_name.ts";
import { quadletKeys } from "./quadlet_keys.ts";
import { convertSectionEntry } from "./quadlet_sections.ts";
import { parseRunOptions } from "./run_command.ts";
import { type ConvertTools, showOption } from "./run_option.ts";
import { applyRunOptions, type GivenOption, requireRunOption } from "./run_options.ts";
import { keepPodmansTmpfs } from "./volumes.ts";
import { parseSystemdBoolean, splitSystemdWords } from "./systemd_words.ts";

/** A unit file; its path is absolute. */
export interface QuadletFile {
  readonly path: string;
  readonly text: string;
}

interface Quadlet {
  readonly path: string;
  /** The file's name without its ending. */
  readonly name: string;
  readonly entries: readonly UnitEntry[];
}

/**
 * Converts quadlets; those beside the `.container` files are looked up where these name them.
 *
 * @throws {MbctlError} (usage) with the file, for values that cannot be read.
 */
export function convertQuadlets(
  files: readonly QuadletFile[],
  tools: Omit<ConvertTools, "directory">,
): Conversion {
  const units = files.map(({ path, text }) => ({
    path,
    name: basename(path).replace(/\.[a-z]+$/, ""),
    entries: unitEntries(parseUnitFile(text)),
  }));
  const isContainer = ({ path }: Quadlet) => path.endsWith(".container");
  const containers = units.filter(isContainer);
  if (containers.length === 0) {
    throw usageError("Cannot convert: none of the files is a .container file");
  }
  const machines = new Map(containers.map((unit) => [unit.name, machineOf(unit)]));
  const images = new Map(
    units
      .filter(({ path }) => path.endsWith(".image"))
      .map((unit) => [basename(unit.path), lastOf(unit, "Image", "Image")]),
  );
  const others = units.filter((unit) => !isContainer(unit));
  return joinContainers(
    containers.map((unit) => saying(unit, () => convertContainer(unit, machines, images, tools))),
    others.flatMap((unit) => remarksOfOther(unit)),
  );
}

function machineOf(unit: Quadlet): MachineName {
  return saying(unit, () => {
    if (unit.name.includes("@")) {
      throw usageError(
        "it is a template, and says not which instances there are",
        "copy it for each, without the @",
      );
    }
    return machineNameFor(lastOf(unit, "Container", "ContainerName") ?? unit.name);
  });
}

function convertContainer(
  unit: Quadlet,
  machines: ReadonlyMap<string, MachineName>,
  images: ReadonlyMap<string, string | undefined>,
  given: Omit<ConvertTools, "directory">,
): ConvertedContainer {
  const tools = { ...given, directory: dirname(unit.path) };
  const draft = newDraft();
  const machine = machineOf(unit);
  const named = lastOf(unit, "Container", "Image");
  const image = named?.endsWith(".image") === true ? images.get(named) : named;
  if (image === undefined || image.endsWith(".build")) {
    throw usageError(
      named === undefined ? "it names no image" : `the image of ${named} is not known`,
      "give the .image file too; for a .build, build and save the image, and name oci-archive:FILE",
    );
  }
  const reference = imageReference(draft, image, tools.directory);
  const options: GivenOption[] = [];
  for (const [key, values] of containerValues(unit)) {
    for (const value of values) options.push(...optionsOf(draft, key, value));
  }
  applyRunOptions(draft, options, tools);
  keepPodmansTmpfs(draft);
  convertDevices(draft, unit, tools);
  convertUser(draft, unit, tools);
  const exec = lastOf(unit, "Container", "Exec");
  if (exec !== undefined) draft.app.args = execWords(draft, exec);
  for (const entry of unit.entries) {
    if (entry.section !== "Container") convertSectionEntry(draft, entry, machines);
  }
  const called = lastOf(unit, "Container", "ContainerName") ?? unit.name;
  if (called !== machine) note(draft, called, `the machine is called ${machine}`);
  return convertedContainer(draft, machine, reference);
}

/** The values of each key of `[Container]`; an empty one takes back those before it. */
function containerValues({ entries }: Quadlet): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const { section, key, value } of entries) {
    if (section !== "Container") continue;
    values.set(key, value === "" ? [] : [...(values.get(key) ?? []), value]);
  }
  return values;
}

function lastOf({ entries }: Quadlet, section: string, key: string): string | undefined {
  const found = entries.filter((entry) => entry.section === section && entry.key === key).at(-1);
  return found === undefined || found.value === "" ? undefined : withoutPercents(found.value);
}

/** The run options that an entry is. */
function optionsOf(draft: Draft, key: string, value: string): GivenOption[] {
  const row = quadletKeys[key];
  const written = `${key}=${value}`;
  if (row === undefined) {
    const meant = didYouMean(key, Object.keys(quadletKeys));
    unsupported(
      draft,
      `${key}=`,
      `[Container] has no such key${meant === undefined ? "" : `: ${meant}`}`,
    );
    return [];
  }
  const shown =
    row.option === undefined ? written : showOption(requireRunOption(row.option), `${key}=`, value);
  if (/%[A-Za-z]/.test(value.replaceAll("%%", "")) && key !== "Exec") {
    unsupported(draft, shown, "it holds a specifier of systemd: write out what stands for it");
    return [];
  }
  const text = withoutPercents(value);
  if (key === "PodmanArgs") {
    const { options, operands } = parseRunOptions(splitSystemdWords(text));
    for (const word of operands)
      unsupported(draft, `PodmanArgs=${word}`, "it is no option of podman run");
    return [...options];
  }
  if (key === "NoNewPrivileges" || key === "Notify") return switchOption(key, text);
  if (row.option === undefined) {
    if (row.reason !== undefined) unsupported(draft, written, row.reason);
    return [];
  }
  const option = requireRunOption(row.option);
  const give = (word: string) => ({
    option,
    value: word,
    written: showOption(option, `${key}=`, word),
  });
  if (row.form === "switch") return [give(String(parseSystemdBoolean(text)))];
  if (row.form === "words") return splitSystemdWords(text).map(give);
  const before = row.before ?? "";
  return [
    { ...give(`${before}${reference(key, text)}`), written: showOption(option, `${key}=`, text) },
  ];
}

/** Switches that are one value of an option. */
function switchOption(key: "NoNewPrivileges" | "Notify", text: string): GivenOption[] {
  const written = `${key}=${text}`;
  const give = (name: string, value: string) => [
    { option: requireRunOption(name), value, written },
  ];
  if (key === "Notify" && text === "healthy") return give("sdnotify", "healthy");
  if (!parseSystemdBoolean(text)) return [];
  return key === "Notify"
    ? give("sdnotify", "container")
    : give("security-opt", "no-new-privileges");
}

/** What a value calls a unit is what the unit makes: `data.volume` is the volume `data`. */
function reference(key: string, text: string): string {
  if (key === "Volume") return text.replace(/^([^/:]+)\.volume:/, "$1:");
  if (key === "Mount") return text.replace(/\b(src|source)=([^/,]+)\.volume(?=,|$)/, "$1=$2");
  if (key === "Network") {
    return /\.container$/.test(text) ? `container:${text}` : text.replace(/\.network(?=:|$)/, "");
  }
  return text;
}

/** `AddDevice=-/dev/NODE` is one that may be absent. */
function convertDevices(draft: Draft, unit: Quadlet, tools: ConvertTools): void {
  const option = requireRunOption("device");
  for (const value of containerValues(unit).get("AddDevice") ?? []) {
    for (const word of splitSystemdWords(value)) {
      const before = draft.app.devices.length;
      option.convert(draft, { value: word.replace(/^-/, ""), written: `AddDevice=${word}`, tools });
      const added = draft.app.devices[before];
      if (word.startsWith("-") && added !== undefined)
        draft.app.devices[before] = { ...added, ifAbsent: "skip" };
    }
  }
}

function convertUser(draft: Draft, unit: Quadlet, tools: ConvertTools): void {
  const user = lastOf(unit, "Container", "User");
  const group = lastOf(unit, "Container", "Group");
  if (user === undefined && group === undefined) return;
  const value = group === undefined ? (user ?? "") : `${user ?? "0"}:${group}`;
  requireRunOption("user").convert(draft, { value, written: `User=${value}`, tools });
}

function execWords(draft: Draft, value: string): string[] {
  const words = splitSystemdWords(value);
  if (words.some((word) => /(^|[^$])\$[A-Za-z_{]/.test(word))) {
    unsupported(
      draft,
      "Exec=",
      "systemd would put in variables; mbctl passes the words on as they are",
    );
  }
  return words.map((word) => word.replaceAll("$$", "$"));
}

function withoutPercents(value: string): string {
  return value.replaceAll("%%", "%");
}

/** What is lost of the files beside. */
function remarksOfOther({ path, entries }: Quadlet): MachineRemark[] {
  const draft = newDraft();
  const ending = /\.([a-z]+)$/.exec(path)?.[1] ?? "";
  const keys = entries
    .filter(
      ({ section, key }) =>
        /^(Volume|Network|Image)$/.test(section) &&
        !/^(VolumeName|NetworkName|Image|ServiceName|Label)$/.test(key),
    )
    .map(({ key }) => key);
  const why: Readonly<Record<string, string>> = {
    volume: "a named volume is a folder of the machine's storage",
    network: "the machines of a host share one network",
    image: "images are pulled when a machine is made",
  };
  const reason = why[ending];
  if (reason === undefined) {
    if (!["pod", "kube", "build", "artifact", "quadlets"].includes(ending)) {
      throw usageError(
        `Cannot convert ${JSON.stringify(path)}: it is no quadlet`,
        "give .container files, and the .volume, .network and .image files that they name",
      );
    }
    unsupported(draft, basename(path), "there is no equivalent; convert the .container files");
  } else if (keys.length > 0) {
    unsupported(
      draft,
      basename(path),
      `${reason}: ${[...new Set(keys)].join(", ")} ${keys.length === 1 ? "is" : "are"} not kept`,
    );
  }
  return draft.remarks.map((remark) => ({ machine: undefined, ...remark }));
}

/** Says in which file a value is wrong. */
function saying<T>({ path }: Quadlet, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof MbctlError) || error.message.includes(JSON.stringify(path))) throw error;
    throw usageError(`Cannot convert ${JSON.stringify(path)}: ${error.message}`, error.hint);
  }
}
