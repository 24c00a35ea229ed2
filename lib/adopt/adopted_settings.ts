/**
 * What a machine that mbctl did not make is, read from its nspawn file and its env file. Pure.
 *
 * Each entry is either understood, and then stands in machine.toml, or kept as it stands.
 *
 * @module
 */

import type { EnvEntry } from "../env/env_entry.ts";
import { MbctlError } from "../errors.ts";
import { nspawnText, nspawnWords, readNspawn } from "../nspawn/read.ts";
import { parseUnitFile, unitEntries } from "../nspawn/unit_file.ts";
import { splitShellWords } from "../podman/shell_words.ts";
import type { MachinePaths } from "../paths.ts";
import { defaultAppChoices, type AppChoices, type Volume } from "../spec/machine_spec.ts";
import { type AdoptedFiles, readBinds } from "./adopted_volumes.ts";

/** A machine as its files say it is. */
export interface AdoptedSettings {
  readonly app: AppChoices;
  readonly volumes: readonly Volume[];
  readonly environment: readonly EnvEntry[];
  /** `MAN8S_OCI_IMAGE_URL`; undefined where nobody says it. */
  readonly reference: string | undefined;
  /** `MAN8S_CONTAINER_TEMPLATE`, or what its network looks like. */
  readonly template: string;
  /** Whether it boots an init of its own, as a whole system. */
  readonly isBooted: boolean;
  /** The program, and the variables of its nspawn file: what its image would say. */
  readonly words: readonly string[];
  readonly imageEnvironment: readonly EnvEntry[];
  /** Lines of the nspawn file that machine.toml has no word for. */
  readonly kept: readonly KeptLine[];
  /** What is lost or guessed, in words. */
  readonly notes: readonly string[];
}

/** A line of the nspawn file that is kept as it stands. */
export interface KeptLine {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

/** Lines that mbctl writes too, each in its own way. */
const understood = new Set([
  ...["Boot", "ProcessTwo", "Parameters", "Environment", "User", "WorkingDirectory"].map(
    (key) => `Exec.${key}`,
  ),
  ...["Exec.Capability", "Exec.DropCapability", "Exec.LimitNOFILE", "Files.ReadOnly"],
  ...["Files.Bind", "Files.BindReadOnly", "Files.TemporaryFileSystem"],
  ...["Network.VirtualEthernet", "Network.Bridge", "Network.Private", "Network.MACVLAN"],
]);

/**
 * Reads a machine's files.
 *
 * @param paths as the host itself sees them.
 * @param bridge the host's bridge.
 * @throws {MbctlError} (usage) when a file cannot be read as systemd reads it.
 */
export function readAdopted(
  { nspawn, environment }: AdoptedFiles,
  paths: MachinePaths,
  bridge: string,
): AdoptedSettings {
  const values = readNspawn(nspawn);
  const own = new Map(environment.filter(([name]) => name.startsWith("MAN8S_")));
  const { volumes, devices, kept } = readBinds(nspawn, paths);
  const notes: string[] = [];
  const isBooted = nspawnText(values, "Exec.Boot") === "yes";
  const words = programOf(own.get("MAN8S_APPLICATION_ARGS"), isBooted, values, notes);
  const user = own.get("MAN8S_APPLICATION_USER") || nspawnText(values, "Exec.User");
  const workingDirectory = nspawnText(values, "Exec.WorkingDirectory");
  const openFiles = Number(nspawnText(values, "Exec.LimitNOFILE") ?? Number.NaN);
  const isKeptLine = ({ section, key, value }: KeptLine) =>
    !understood.has(`${section}.${key}`) ||
    (key === "LimitNOFILE" && !Number.isInteger(Number(value)));
  const capabilities = (id: string) =>
    nspawnWords(values, id)
      .flatMap((word) => word.split(/[ ,]+/))
      .map((word) => word.replace(/^CAP_/, ""))
      .filter((word) => word !== "");
  return {
    app: {
      ...defaultAppChoices,
      ...(user === undefined || user === "" ? {} : { user }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
      ...(Number.isInteger(openFiles) ? { limits: { openFiles } } : {}),
      capabilities: {
        add: capabilities("Exec.Capability"),
        drop: capabilities("Exec.DropCapability"),
      },
      isReadOnly: nspawnText(values, "Files.ReadOnly") === "yes",
      devices,
    },
    volumes,
    environment: environment.filter(([name]) => !name.startsWith("MAN8S_")),
    reference: own.get("MAN8S_OCI_IMAGE_URL") || undefined,
    template: own.get("MAN8S_CONTAINER_TEMPLATE") || templateOf(values, bridge, notes),
    isBooted,
    words,
    imageEnvironment: nspawnWords(values, "Exec.Environment").flatMap((word): EnvEntry[] => {
      const at = word.indexOf("=");
      const name = word.slice(0, Math.max(at, 0));
      return name === "" || name.startsWith("MAN8S_") ? [] : [[name, word.slice(at + 1)]];
    }),
    kept: [...unitEntries(parseUnitFile(nspawn)).filter(isKeptLine), ...kept],
    notes,
  };
}

/** The program that it runs; a whole system's init is looked for by nspawn. */
function programOf(
  line: string | undefined,
  isBooted: boolean,
  values: ReturnType<typeof readNspawn>,
  notes: string[],
): string[] {
  if (isBooted) return ["/sbin/init"];
  if (line === undefined || line === "") return nspawnWords(values, "Exec.Parameters");
  try {
    return splitShellWords(line);
  } catch (error) {
    if (!(error instanceof MbctlError)) throw error;
    notes.push("its command line is one for a shell: machine.toml runs it by /bin/sh -c");
    return ["/bin/sh", "-c", line];
  }
}

/** The built-in template that comes nearest. */
function templateOf(
  values: ReturnType<typeof readNspawn>,
  bridge: string,
  notes: string[],
): string {
  const isOn = (id: string) => nspawnText(values, id) === "yes";
  const isOff = (id: string) => nspawnText(values, id) === "no";
  if (values.has("Network.MACVLAN")) return "macvlan";
  const plugged = nspawnText(values, "Network.Bridge");
  if (plugged !== undefined && plugged !== bridge) {
    notes.push(`it is plugged into the bridge ${plugged}, not into ${bridge}: that line is kept`);
  }
  if (plugged !== undefined) return "network_isolated";
  if (isOff("Network.VirtualEthernet") && !isOn("Network.Private")) return "host";
  if (isOff("Network.VirtualEthernet")) return "private";
  // The stock unit passes --network-veth: a cable to the host, and no bridge.
  notes.push("its network is a cable to the host, which no template has: its lines are kept");
  return "network_isolated";
}
