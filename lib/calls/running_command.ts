/**
 * A command at work: started, told signals, ended with all that it began.
 *
 * @module
 */

import { isErrno } from "../host/files.ts";
import { type StartedProgram, startProgram } from "../host/spawn.ts";
import { CallError } from "./call_error.ts";
import { CommandGroup, sweepGroups } from "./command_group.ts";
import type { CommandPlan } from "./command_plan.ts";
import { descendantsOf, findCommand, processGroup, sendSignal } from "./command_processes.ts";
import type { Stdio } from "./descriptor_kinds.ts";
import type { CallSignal } from "./request.ts";

/** Signals that a terminal's keys, or its end, send to a whole group; the rest is for the command alone. */
const ofTheTerminal: readonly CallSignal[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGCONT"];

/** How often it is looked whether the last one has gone, in milliseconds; for as long as the grace time at most. */
const lookMs = 50;

export interface CommandOptions {
  /** The connector's: begins the name of the command's cgroup. */
  readonly name: string;
  /** What is left gets SIGHUP, and as long as this before SIGKILL. */
  readonly graceMs: number;
}

/** One command, and everything that it starts. */
export class RunningCommand {
  /** Its exit code; 128 and the signal's number where a signal ended it. */
  readonly ended: Promise<number>;
  /** When nothing of it is left. */
  readonly gone: Promise<void>;
  readonly #program: StartedProgram;
  readonly #group: CommandGroup | undefined;
  readonly #graceMs: number;
  readonly #hungUp = Promise.withResolvers<void>();
  #isHungUp = false;
  #isEnded = false;
  #killMs = Number.POSITIVE_INFINITY;

  /**
   * Starts it. Our copies of the descriptors stay open.
   *
   * @throws {CallError} where the program cannot be started, or the cgroup is gone.
   */
  constructor(plan: CommandPlan, stdio: Stdio, { name, graceMs }: CommandOptions) {
    const { argv, environment, cgroup } = plan;
    this.#graceMs = graceMs;
    const group = makeGroup(cgroup, name);
    const start = () => startProgram(argv, environment, stdio);
    try {
      this.#program = group === undefined ? start() : group.enter(start);
    } catch (error) {
      group?.remove();
      throw explained(error, argv[0] ?? "");
    }
    this.#group = group;
    this.ended = this.#program.ended;
    this.gone = this.#clearAway();
  }

  /** Passes a signal on, as a terminal or kill(1) would. */
  signal(signal: CallSignal): void {
    const command = findCommand(this.#program.pid);
    const group = processGroup(command);
    const isAlone = !ofTheTerminal.includes(signal) || group === undefined;
    const told = isAlone
      ? [command]
      : this.#members().filter(
          // Not who waits for the command.
          (pid) => processGroup(pid) === group && (pid !== this.#program.pid || pid === command),
        );
    // The kernel stops nobody by SIGTSTP who has no parent in his session to go on with him (setpgid(2)).
    const sent = signal === "SIGTSTP" ? "SIGSTOP" : signal;
    for (const pid of told) sendSignal(pid, sent);
  }

  /** Whoever called has gone: all of it gets SIGHUP, and after the grace time SIGKILL. */
  hangUp(): void {
    if (this.#isHungUp) return;
    this.#isHungUp = true;
    this.#killMs = performance.now() + this.#graceMs;
    this.#hungUp.resolve();
    for (const pid of this.#members()) {
      if (pid === this.#program.pid && pid !== findCommand(pid)) continue;
      sendSignal(pid, "SIGHUP");
      // Who is stopped would not hear it.
      sendSignal(pid, "SIGCONT");
    }
  }

  /** All of it; without a cgroup those who are still of the family. */
  #members(): number[] {
    const { pid } = this.#program;
    if (this.#group !== undefined) return this.#group.members();
    return this.#isEnded ? [] : [pid, ...descendantsOf(pid)];
  }

  #kill(): void {
    if (this.#group !== undefined) this.#group.kill();
    else for (const pid of this.#members()) sendSignal(pid, "SIGKILL");
  }

  async #clearAway(): Promise<void> {
    const ended = this.ended.then(() => {
      this.#isEnded = true;
      // What it leaves behind was not lent.
      this.hangUp();
    });
    await this.#hungUp.promise;
    while (!(this.#isEnded && (this.#group?.remove() ?? true))) {
      if (performance.now() >= this.#killMs) this.#kill();
      await Bun.sleep(lookMs);
    }
    await ended;
  }
}

function makeGroup(parent: string | undefined, name: string): CommandGroup | undefined {
  if (parent === undefined) return undefined;
  try {
    sweepGroups(parent, name);
    return new CommandGroup(parent, name);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENODEV")) throw error;
    throw new CallError(125, "Cannot run the command: the machine has ended");
  }
}

/** As a shell says it: 127 for a program that is not there, 126 for one that cannot be run. */
function explained(error: unknown, program: string): unknown {
  const name = JSON.stringify(program);
  if (isErrno(error, "ENOENT")) return new CallError(127, `Cannot find the program ${name}`);
  if (isErrno(error, "EACCES")) return new CallError(126, `Cannot run ${name}: it is no program`);
  if (isErrno(error, "E2BIG")) return new CallError(126, `Cannot run ${name}: too many words`);
  return error;
}
