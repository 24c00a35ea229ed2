/**
 * mbctl on another host, by ssh(1).
 *
 * @module
 */

import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { MbctlError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { makePipe } from "../host/libc.ts";
import { CommandError, hasProgram, requireProgram } from "../host/run.ts";
import { foldersBelow, machinePaths } from "../paths.ts";
import type { MachineName } from "../spec/machine_name.ts";
import { formatSshTarget, rsyncWords, type SshTarget, sshWords } from "./ssh_target.ts";

/** What was found of the other host. */
export interface RemoteFacts {
  /** The version of its mbctl. */
  readonly mbctl: string;
  /** Free, where its machines' data goes. */
  readonly freeBytes: number;
  readonly hasRsync: boolean;
}

/** Of ssh(1), when it is not the command's own. */
const sshFailed = 255;
/** Of a shell that does not find a program. */
const notFound = 127;
/** Of our flock(1), when somebody else has the lock. */
const lockIsTaken = 75;

/** Another host that has mbctl. */
export class RemoteHost {
  /** For people. */
  readonly name: string;
  readonly #host: Host;
  readonly #target: SshTarget;
  readonly #env: Readonly<Record<string, string>>;

  constructor(host: Host, target: SshTarget) {
    requireProgram("ssh");
    this.#host = host;
    this.#target = target;
    this.name = formatSshTarget(target);
    const agent = process.env.SSH_AUTH_SOCK;
    this.#env = agent === undefined ? {} : { SSH_AUTH_SOCK: agent };
  }

  /** The same, whose commands Ctrl-C does not end. */
  undisturbed(host: Host): RemoteHost {
    return new RemoteHost(host, this.#target);
  }

  /**
   * Runs a command there.
   *
   * @param input goes through the pipe: what is secret stands on no command line.
   * @throws {MbctlError} (host) when ssh cannot connect or the command is not there, else (failed) with what it said.
   */
  async run(words: readonly string[], input?: string | Buffer): Promise<string> {
    try {
      const argv = sshWords(this.#target, words);
      const { stdout } = await this.#host.run(argv, {
        env: this.#env,
        input,
        outputLimitBytes: 2 ** 20,
      });
      return stdout;
    } catch (error) {
      throw this.#explain(words, error);
    }
  }

  /** Runs a command there that reads a file of this host. */
  async feed(words: readonly string[], file: string): Promise<void> {
    const input = openSync(file, "r");
    try {
      const argv = sshWords(this.#target, words);
      using child = this.#host.spawn(argv, { stdin: input, env: this.#env });
      await child.done();
    } catch (error) {
      throw this.#explain(words, error);
    } finally {
      closeSync(input);
    }
  }

  /**
   * Keeps every other mbctl from moving a machine to a name there, until this is disposed of, or we or the connection end.
   *
   * @throws {MbctlError} (conflict) when another one does.
   */
  async claim(name: MachineName): Promise<Disposable> {
    const { locks } = foldersBelow("/");
    const file = `${locks}/.move-${name}.lock`;
    // It ends when its standard input does, which is ours.
    const held = `exec flock -n -E ${lockIsTaken} ${file} sh -c "echo; exec cat"`;
    const words = ["/bin/sh", "-c", `mkdir -p -m 755 ${locks} && ${held}`];
    const [input, output] = [makePipe(), makePipe()];
    const child = this.#host.spawn(sshWords(this.#target, words), {
      ...{ stdin: input.readEnd, stdout: output.writeEnd, env: this.#env },
    });
    closeSync(input.readEnd);
    closeSync(output.writeEnd);
    const release = () => {
      closeSync(input.writeEnd);
      child[Symbol.dispose]();
    };
    try {
      const { done } = await Bun.file(output.readEnd).stream().getReader().read();
      // It has ended, and says why.
      if (done) await child.done();
    } catch (error) {
      release();
      if (!(error instanceof CommandError) || error.result.exitCode !== lockIsTaken) {
        throw this.#explain(["flock"], error);
      }
      const message = `Cannot move a machine to "${name}" on ${this.name}: another mbctl does`;
      const hint = "wait for it to end, then run the command again";
      throw new MbctlError("conflict", message, { hint });
    } finally {
      closeSync(output.readEnd);
    }
    return { [Symbol.dispose]: release };
  }

  /**
   * Looks at the host: one connection.
   *
   * @throws {MbctlError} (host) when it cannot be reached, or has no mbctl.
   */
  async facts(): Promise<RemoteFacts> {
    const { storage } = foldersBelow("/");
    const script = `[ "$(id -u)" = 0 ] || { echo "you are not root there" >&2; exit 1; }
mbctl version && { df -PB1 -- ${storage} 2>/dev/null || df -PB1 -- /var/lib; } && { command -v rsync >/dev/null && echo rsync; :; }`;
    const lines = (await this.run(["/bin/sh", "-c", script])).split("\n");
    const freeBytes = Number(lines[2]?.split(/\s+/)[3]);
    if (!Number.isSafeInteger(freeBytes))
      throw this.fail("its df(1) says nothing that we can read");
    return { mbctl: lines[0] ?? "", freeBytes, hasRsync: lines.includes("rsync") };
  }

  /**
   * Makes the staged storage folder of a machine there the same as one here.
   *
   * @returns false where one of the hosts has no rsync(1), and nothing was done.
   */
  async mirror(from: string, name: MachineName, { hasRsync }: RemoteFacts): Promise<boolean> {
    if (!hasRsync || !hasProgram("rsync") || !nameExists(from)) return false;
    const { storage } = foldersBelow("/");
    await this.run(["mkdir", "-p", "-m", "700", "--", storage]);
    const words = rsyncWords(this.#target, from, machinePaths("/", name).stagedStorage);
    try {
      // 24: files were removed while they were read (rsync(1), EXIT VALUES).
      await this.#host.run(words, { env: this.#env, allowExitCodes: [0, 24] });
    } catch (error) {
      throw this.#explain(["rsync"], error);
    }
    return true;
  }

  fail(state: string, hint?: string, cause?: unknown): MbctlError {
    return new MbctlError("host", `Cannot use the host ${this.name}: ${state}`, { hint, cause });
  }

  #explain(words: readonly string[], error: unknown): unknown {
    if (!(error instanceof CommandError)) return error;
    const { exitCode, stderr } = error.result;
    const said = new Error(stderr.trim().replace(/^mbctl: /, ""));
    if (exitCode === sshFailed) {
      return this.fail("ssh cannot connect", `try it: ssh ${this.name} true`, said);
    }
    if (exitCode === notFound) {
      return this.fail(
        `${words[0]} is not there`,
        "install mbctl there, then: mbctl host setup",
        said,
      );
    }
    const [program = "", ...rest] = words;
    const verb = program === "mbctl" ? `mbctl ${rest.slice(0, 2).join(" ")}` : program;
    return new MbctlError("failed", `Cannot run ${verb} on ${this.name}: it failed`, {
      cause: said,
    });
  }
}
