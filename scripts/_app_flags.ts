/**
 * The flags that say how a new machine's program runs and what it keeps, spelled as podman spells them.
 *
 * @module
 */

import type { VerbContext } from "../lib/cli/context.ts";
import { type EnvEntry, parseEnvArgument } from "../lib/env/env_entry.ts";
import { type LendOption, parseLend } from "../lib/connector/lend_option.ts";
import { usageError } from "../lib/errors.ts";
import { forMachine } from "../lib/podman/conversion.ts";
import { appChoices, newDraft } from "../lib/podman/draft.ts";
import { applyRunOptions } from "../lib/podman/run_options.ts";
import { type MachineName, parseMachineName } from "../lib/spec/machine_name.ts";
import type { AppChoices, Volume } from "../lib/spec/machine_spec.ts";
import { parseMount } from "../lib/spec/volume.ts";
import { convertTools } from "./_conversion.ts";
import { givenOptions, runFlags, type RunFlagValues } from "./_run_flags.ts";

const texts = { type: "string", repeat: true } as const;

export const appFlags = {
  mount: {
    ...texts,
    value: "/IN=CHOICE",
    parse: parseMount,
    help: "config, data, skip or a path of the host, for the volume /IN",
  },
  env: { ...texts, short: "e", value: "K=V", parse: parseEnvArgument, help: "set a variable" },
  ...runFlags,
  lend: {
    ...texts,
    value: "COMMAND[=WORDS]",
    parse: parseLend,
    help: "a command that other machines may run in it: psql=/usr/bin/psql -U postgres",
  },
  connector: {
    ...texts,
    value: "MACHINE",
    kind: "machine",
    parse: parseMachineName,
    help: "a machine whose commands it may run, as /connectors/MACHINE/COMMAND",
  },
} as const;

/** Those of them that a whole system has a use for: it has no program of its own. */
export const systemFlags = {
  mount: appFlags.mount,
  volume: runFlags.volume,
  tmpfs: runFlags.tmpfs,
  memory: runFlags.memory,
  cpus: runFlags.cpus,
  pidsLimit: runFlags.pidsLimit,
  restart: runFlags.restart,
  label: runFlags.label,
  requires: runFlags.requires,
  capAdd: runFlags.capAdd,
  capDrop: runFlags.capDrop,
  device: runFlags.device,
  stopTimeout: runFlags.stopTimeout,
  lend: appFlags.lend,
  connector: appFlags.connector,
} as const;

/** What the flags chose. */
export interface GivenChoices {
  readonly app: AppChoices;
  readonly environment: readonly EnvEntry[];
  /** Of `--mount`, `--volume` and `--tmpfs`. */
  readonly volumes: readonly Volume[];
}

/**
 * Reads the flags.
 *
 * @param name the new machine.
 * @param args the words behind `--`, which replace the image's Cmd.
 * @throws {MbctlError} (usage) for a value that cannot be read, or that mbctl has no equivalent for.
 */
export function givenChoices(
  { log, workingDirectory }: VerbContext,
  {
    mount,
    env,
    lend,
    connector,
    ...flags
  }: RunFlagValues & {
    readonly mount: readonly Volume[];
    readonly env: readonly EnvEntry[];
    readonly lend: readonly LendOption[];
    readonly connector: readonly MachineName[];
  },
  name: MachineName,
  args: readonly string[],
): GivenChoices {
  const draft = newDraft();
  applyRunOptions(draft, givenOptions(flags), convertTools(workingDirectory));
  for (const { kind, option, reason } of draft.remarks) {
    const said = forMachine(reason, name);
    if (kind === "unsupported")
      throw usageError(`Cannot use ${option}: it has no equivalent`, said);
    log.info(`${option}: ${said}`);
  }
  return {
    app: {
      ...appChoices(draft),
      ...(args.length === 0 ? {} : { args }),
      lend: Object.fromEntries(lend),
      connectors: [...new Set(connector)],
    },
    environment: [...new Map([...draft.environment, ...env])],
    volumes: [...mount, ...draft.volumes],
  };
}
