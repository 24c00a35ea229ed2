/**
 * Compose files (compose-spec): each service a machine.
 *
 * @module
 */

import { didYouMean } from "../cli/suggest.ts";
import { MbctlError, usageError } from "../errors.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { bootAsDocker } from "./app.ts";
import { convertServiceKeys } from "./compose_service.ts";
import {
  type Conversion,
  type ConvertedContainer,
  convertedContainer,
  imageReference,
  joinContainers,
  type MachineRemark,
} from "./conversion.ts";
import { type Draft, newDraft, note, unsupported } from "./draft.ts";
import { interpolate } from "./interpolate.ts";
import { machineNameFor } from "./machine_name.ts";
import { type ConvertTools, showOption } from "./run_option.ts";
import { requireRunOption } from "./run_options.ts";
import {
  below,
  parseYaml,
  type Place,
  tableOf,
  textOf,
  textsOf,
  type YamlTable,
} from "./yaml_value.ts";

export interface ComposeOptions {
  /** What stands for `${NAME}`. */
  readonly variables: ReadonlyMap<string, string>;
  /** Services with one of these profiles are converted too. */
  readonly profiles: readonly string[];
  readonly tools: ConvertTools;
}

/** A service on its way. */
export interface Service {
  /** As the file calls it. */
  readonly name: string;
  readonly draft: Draft;
  readonly tools: ConvertTools;
  readonly variables: ReadonlyMap<string, string>;
  /** Converts a key as a run option, and says at which place a value is wrong. */
  readonly give: (option: string, value: string, place: Place) => void;
  /** Makes it wait for another service. */
  readonly depend: (service: string, place: Place) => void;
}

/**
 * Converts a compose file.
 *
 * @param file its name, for messages.
 * @throws {MbctlError} (usage) with file, and line or key.
 */
export function convertCompose(text: string, file: string, options: ComposeOptions): Conversion {
  const missing = new Set<string>();
  try {
    return convertDocument(text, file, options, missing);
  } catch (error) {
    if (!(error instanceof MbctlError) || missing.size === 0) throw error;
    const hint = `${[...missing].join(" and ")} ${missing.size === 1 ? "has" : "have"} no value: ${giveValue([...missing][0] ?? "")}`;
    throw usageError(error.message, hint);
  }
}

function giveValue(name: string): string {
  return `write ${name}=VALUE into a file, and give it: --env-file FILE`;
}

function convertDocument(
  text: string,
  file: string,
  options: ComposeOptions,
  missing: Set<string>,
): Conversion {
  const document = parseYaml(text, file, (value) => {
    const put = interpolate(value, options.variables);
    for (const name of put.missing) missing.add(name);
    return put.text;
  });
  const place = { file, path: "" };
  const top = tableOf(document, { file, path: "the document" });
  requireKnownKeys(top, file);
  const services = tableOf(top.services, below(place, "services"));
  const chosen = Object.entries(services).map(([name, value]) => {
    const at = below(below(place, "services"), name);
    return { name, at, table: tableOf(value, at) };
  });
  if (chosen.length === 0)
    throw usageError(`Cannot convert ${JSON.stringify(file)}: it has no services`);
  const remarks: MachineRemark[] = [...missing].map((name) => ({
    machine: undefined,
    kind: "unsupported",
    option: `\${${name}}`,
    reason: `it has no value, and became nothing: ${giveValue(name)}`,
  }));
  const leaveOut = (option: string, reason: string, kind: "unsupported" | "note") =>
    remarks.push({ machine: undefined, kind, option, reason });
  const wanted: typeof chosen = [];
  for (const service of chosen) {
    const { at, table } = service;
    const profiles = textsOf(table.profiles, below(at, "profiles"));
    if (profiles.length > 0 && !profiles.some((profile) => options.profiles.includes(profile))) {
      leaveOut(
        at.path,
        `it is left out: give --profile ${profiles.join(" or --profile ")}`,
        "note",
      );
    } else if (table.image === undefined) {
      leaveOut(
        at.path,
        "it is left out: it names no image, and images are not built here",
        "unsupported",
      );
    } else {
      wanted.push(service);
    }
  }
  const surroundings = {
    ...options,
    ...{ top, services: Object.keys(services) },
    converted: wanted.map(({ name }) => name),
  };
  const machines = wanted.map(({ name, at, table }) =>
    convertService(name, table, at, surroundings),
  );
  remarks.push(...topRemarks(top, file));
  return joinContainers(machines, remarks);
}

interface Surroundings extends ComposeOptions {
  readonly top: YamlTable;
  /** The names of all services. */
  readonly services: readonly string[];
  /** Of those that become machines. */
  readonly converted: readonly string[];
}

function convertService(
  name: string,
  table: YamlTable,
  place: Place,
  { tools, variables, services, converted, top }: Surroundings,
): ConvertedContainer {
  const draft = newDraft();
  const image = textOf(table.image, below(place, "image"));
  const machine = machineNameFor(name);
  const service: Service = {
    name,
    draft,
    tools,
    variables,
    give(optionName, value, at) {
      const option = requireRunOption(optionName);
      const key = at.path.slice(place.path.length + 1).replace(/\[\d+\]$/, "");
      const written = value === "" ? key : showOption(option, `${key}: `, value);
      saying(at, () => option.convert(draft, { value, written, tools }));
    },
    depend(other, at) {
      if (!services.includes(other)) {
        throw usageError(
          `Cannot convert ${JSON.stringify(at.file)}: ${at.path}: there is no service ${JSON.stringify(other)}`,
          didYouMean(other, services),
        );
      }
      if (!converted.includes(other)) {
        unsupported(draft, `depends_on: ${other}`, "that service is left out");
        return;
      }
      const dependency = machineNameFor(other);
      if (!draft.app.depends.includes(dependency)) draft.app.depends.push(dependency);
    },
  };
  const reference = saying(below(place, "image"), () =>
    imageReference(draft, image, tools.directory),
  );
  saying(place, () => convertServiceKeys(service, table, place));
  secretRemarks(
    draft,
    machine,
    tableOf(top.secrets, { file: place.file, path: "secrets" }),
    place.file,
  );
  bootAsDocker(draft);
  if (machine !== name)
    note(draft, name, `the machine is called ${machine}: write that where others name ${name}`);
  return convertedContainer(draft, machine, reference);
}

/** Says at which key of which file a value is wrong. */
function saying<T>({ file, path }: Place, convert: () => T): T {
  try {
    return convert();
  } catch (error) {
    if (!(error instanceof MbctlError) || error.message.includes(JSON.stringify(file))) throw error;
    throw usageError(
      `Cannot convert ${JSON.stringify(file)}: ${path}: ${error.message}`,
      error.hint,
    );
  }
}

/** From where compose would take a secret. */
function secretRemarks(draft: Draft, machine: MachineName, secrets: YamlTable, file: string): void {
  for (const { name } of draft.app.secrets) {
    const facts = tableOf(secrets[name], { file, path: `secrets.${name}` });
    if (facts.file === undefined) continue;
    const path = textOf(facts.file, { file, path: `secrets.${name}.file` });
    note(draft, `secrets: ${name}`, `mbctl secrets set ${machine} ${name} <${path}`);
  }
}

const topKeys = [
  "name",
  "version",
  "services",
  "networks",
  "volumes",
  "secrets",
  "configs",
  "include",
  "models",
];

function requireKnownKeys(top: YamlTable, file: string): void {
  const key = Object.keys(top).find((name) => !topKeys.includes(name) && !name.startsWith("x-"));
  if (key === undefined) return;
  throw usageError(
    `Cannot convert ${JSON.stringify(file)}: it has an unknown key ${JSON.stringify(key)}`,
    didYouMean(key, topKeys),
  );
}

/** What the keys beside the services ask for. */
function topRemarks(top: YamlTable, file: string): MachineRemark[] {
  const draft = newDraft();
  const names = (key: string) => Object.entries(tableOf(top[key], { file, path: key }));
  if (top.include !== undefined) unsupported(draft, "include", "convert each of the files");
  if (top.models !== undefined) unsupported(draft, "models", "they are no containers");
  for (const [name] of names("configs")) {
    unsupported(
      draft,
      `configs.${name}`,
      "write it as a volume of kind config, or a file of the host",
    );
  }
  for (const [name, value] of names("volumes")) {
    const { driver, driver_opts, external } = tableOf(value, { file, path: `volumes.${name}` });
    if (driver_opts !== undefined || (driver !== undefined && driver !== "local")) {
      unsupported(
        draft,
        `volumes.${name}`,
        "mbctl mounts no file systems; mount it on the host, and give its path",
      );
    } else if (external !== undefined && external !== false) {
      unsupported(
        draft,
        `volumes.${name}.external`,
        "what is in it stays there: copy it to the machine's storage folder",
      );
    }
  }
  for (const [name, value] of names("networks")) {
    const lost = Object.keys(tableOf(value, { file, path: `networks.${name}` })).filter(
      (key) => !["name", "labels", "external"].includes(key) && !key.startsWith("x-"),
    );
    if (lost.length > 0) {
      unsupported(
        draft,
        `networks.${name}`,
        `the machines of a host share one network: ${lost.join(", ")} ${lost.length === 1 ? "is" : "are"} not kept`,
      );
    }
  }
  return draft.remarks.map((remark) => ({ machine: undefined, ...remark }));
}
