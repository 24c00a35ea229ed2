/**
 * The flags that podman has too, by its names.
 *
 * @module
 */

import { flagName } from "../lib/cli/flags.ts";
import type { FlagSpecs } from "../lib/cli/verb.ts";
import { type GivenOption, requireRunOption } from "../lib/podman/run_options.ts";

const text = { type: "string" } as const;
const texts = { type: "string", repeat: true } as const;

/** Each is read as the run option of its name. */
export const runFlags = {
  envFile: {
    ...texts,
    value: "FILE",
    kind: "file",
    help: "set the variables of a file, NAME=VALUE a line",
  },
  volume: {
    ...texts,
    value: "HOST:/IN[:ro]",
    help: "a path of the host, or NAME:/IN for a data volume",
  },
  tmpfs: { ...texts, value: "/IN[:size=N]", help: "a volume in memory" },
  memory: { ...text, short: "m", value: "SIZE", help: "as much memory at most: 512m, 2g" },
  cpus: { ...text, value: "N", help: "as many processors at most: 1.5" },
  pidsLimit: { ...text, value: "N", help: "as many processes and threads at most" },
  restart: { ...text, value: "POLICY", help: "no, on-failure[:N], always or unless-stopped" },
  user: { ...text, short: "u", value: "USER[:GROUP]", help: "who the program runs as" },
  workdir: { ...text, short: "w", value: "/IN", help: "where it starts" },
  entrypoint: {
    ...text,
    value: "PROGRAM",
    help: 'in place of the image\'s; also ["PROGRAM","WORD"]',
  },
  label: { ...texts, short: "l", value: "KEY=VALUE", help: "a note of your own in machine.toml" },
  requires: {
    ...texts,
    value: "MACHINE",
    help: "a machine that must be well before this one starts",
  },
  secret: { ...texts, value: "KEY[,env=VAR|file=VAR]", help: "a secret that it gets" },
  readOnly: { type: "boolean", help: "the root tree cannot be written to, volumes can" },
  capAdd: { ...texts, value: "CAP", help: "a capability more" },
  capDrop: { ...texts, value: "CAP", help: "a capability less; ALL for all" },
  device: {
    ...texts,
    value: "/dev/NODE",
    help: "a device of the host, as /dev/NODE[:/dev/IN][:rwm]",
  },
  stopSignal: { ...text, value: "SIGNAL", help: "what ends the program" },
  stopTimeout: { ...text, value: "SECONDS", help: "how long it may take to end" },
  healthCmd: {
    ...text,
    value: "COMMAND",
    help: "asks whether it is well, by /bin/sh in the machine",
  },
  healthInterval: { ...text, value: "TIME", help: "how often: 30s" },
  healthTimeout: { ...text, value: "TIME", help: "how long the answer may take" },
  healthStartPeriod: { ...text, value: "TIME", help: "failures do not count for so long" },
  healthRetries: { ...text, value: "N", help: "so many failures in a row make it unhealthy" },
  healthOnFailure: { ...text, value: "ACTION", help: "what is done then: none, restart or stop" },
  noHealthcheck: { type: "boolean", help: "do not use the image's health check" },
} as const satisfies FlagSpecs;

/** What stands on a command line. */
export type RunFlagValues = {
  readonly [Key in keyof typeof runFlags]?: string | boolean | readonly string[] | undefined;
};

/** The flags as run options. */
export function givenOptions(flags: RunFlagValues): GivenOption[] {
  const keys = Object.keys(runFlags) as (keyof typeof runFlags)[];
  return keys.flatMap((key) => {
    const given = flags[key];
    const values = Array.isArray(given)
      ? given
      : given === undefined || given === false
        ? []
        : [given];
    const name = flagName(key);
    const option = requireRunOption(name);
    return values.map((value) => ({ option, value: String(value), written: `--${name} ${value}` }));
  });
}
