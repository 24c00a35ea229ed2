/**
 * How an image is to live: man8s-init runs its program, or it is a system that boots.
 *
 * @module
 */

import { quoteWords } from "../env/posix_sh.ts";
import type { ImageConfig } from "../image/config.ts";
import type { MachineMode } from "../spec/machine_spec.ts";
import { type TreeFacts, usablePackageManagers } from "./tree_facts.ts";

/** What `--mode auto` may come to. */
export type DecidedMode = Exclude<MachineMode, "connector">;

/** What decided. */
export type ModeReason =
  | "named program"
  | "init"
  | "program"
  | "ports"
  | "system"
  | "no system"
  | "no package manager"
  | "layers unread";

export interface ModeDecision {
  /** Undefined where only the layers can tell, and nobody has read them. */
  readonly mode: DecidedMode | undefined;
  readonly because: ModeReason;
  /** To be read behind `mode base: `, without a full stop. */
  readonly reason: string;
}

/** Where inits are that boot a system. `/init` is none: s6-overlay and others call their own so. */
const initPattern =
  /^(\/(usr\/)?(sbin|bin)\/(init|systemd)|\/(usr\/)?lib\/systemd\/systemd|init|systemd)$/;
/** A shell that would wait for somebody to type. One with a script runs that: it is a program. */
const shellPattern = /^(\/(usr\/)?(local\/)?bin\/)?(sh|bash|dash|ash|ksh|zsh|fish)$/;
const shellOptionPattern = /^(-l|-i|-il|-li|--login)$/;

/** So much of a command line is shown. */
const maxShown = 60;

/** Whether only the image's layers can tell how it is to live. */
export function needsTreeFacts(config: ImageConfig): boolean {
  return decideMode(config, undefined).mode === undefined;
}

/**
 * Decides how a machine of an image lives where its user did not say.
 *
 * @param facts what the layers hold; asked for where {@linkcode needsTreeFacts} says so.
 */
export function decideMode(config: ImageConfig, facts: TreeFacts | undefined): ModeDecision {
  const { entrypoint, cmd, ports } = config;
  const [program] = [...entrypoint, ...cmd];
  if (program !== undefined && initPattern.test(program)) {
    return { mode: "base", because: "init", reason: `its program is an init, ${program}` };
  }
  if (program !== undefined && (entrypoint.length > 0 || !isBareShell(cmd))) {
    return {
      mode: "direct",
      because: "program",
      reason: `an image with a program of its own, ${shown([...entrypoint, ...cmd])}`,
    };
  }
  const [port] = ports;
  if (port !== undefined) {
    const reason = `an image with a port, ${port.port}/${port.protocol}: something is to run in it`;
    return { mode: "direct", because: "ports", reason };
  }
  if (facts !== undefined) return decideByTree(facts);
  return {
    mode: undefined,
    because: "layers unread",
    reason: `base if it holds an operating system with ${anyOf(usablePackageManagers)}, else direct; its layers were not read`,
  };
}

/** The decision where the user names the program: with `--entrypoint`, or words behind `--`. */
export const namedProgram: ModeDecision = {
  mode: "direct",
  because: "named program",
  reason: "a program was named for it",
};

function isBareShell([shell, ...options]: readonly string[]): boolean {
  return (
    shell !== undefined &&
    shellPattern.test(shell) &&
    options.every((option) => shellOptionPattern.test(option))
  );
}

function decideByTree({ system, packageManagers }: TreeFacts): ModeDecision {
  if (system === undefined) {
    const reason =
      "an image without a program of its own, and no operating system: it has no os-release";
    return { mode: "direct", because: "no system", reason };
  }
  if (packageManagers.some((name) => usablePackageManagers.includes(name))) {
    const reason = `an operating system (${system}) without a program of its own`;
    return { mode: "base", because: "system", reason };
  }
  const [other] = packageManagers;
  const lack =
    other === undefined
      ? `without ${anyOf(usablePackageManagers)}, to add systemd with`
      : `whose package manager is ${other}, with which mbctl cannot add systemd`;
  return {
    mode: "direct",
    because: "no package manager",
    reason: `an operating system (${system}) ${lack}`,
  };
}

function shown(words: readonly string[]): string {
  const text = quoteWords(words);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

function anyOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
