/**
 * The standard streams as the command line uses them: text goes out at once and
 * wholly, so nothing is lost when the process ends, and a reader that has gone
 * away is no error.
 *
 * @module
 */

import { fstatSync, writeSync } from "node:fs";
import { MbctlError } from "../errors.ts";

/** Where text goes. */
export interface TextSink {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal; 80 where it is not known. */
  readonly columns: number;
  /** Its height; 24 where it is not known. */
  readonly rows: number;
}

/** All that the command line knows of the process that it runs in. */
export interface Io {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly stdin: { readonly isTerminal: boolean };
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** The streams, environment and directory of this process. */
export function processIo(): Io {
  return {
    stdout: fileSink(1),
    stderr: ignoringErrors(fileSink(2)),
    stdin: { isTerminal: isTerminal(0) },
    environment: process.env,
    get workingDirectory() {
      return process.cwd();
    },
  };
}

/** The major number of /dev/null and its kin (Linux, devices.txt). */
const memoryDevices = 1;

/**
 * Whether a file descriptor is a terminal. What is no character device cannot be
 * one; only the rest is asked for by node:tty, because loading that module takes
 * as long as all else at start-up together.
 */
function isTerminal(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === memoryDevices) return false;
  } catch {
    // It is closed.
    return false;
  }
  return process.getBuiltinModule("node:tty").isatty(descriptor);
}

/**
 * Writes to a file descriptor and returns when all is written. When the reader
 * has gone (EPIPE) the rest is dropped: `mbctl machines list | head -1` ends well,
 * and a change that is under way is not left half done.
 *
 * @throws {MbctlError} kind "failed" for any other error of write(2), such as ENOSPC.
 */
export function fileSink(descriptor: number): TextSink {
  let isOpen = true;
  const stream = () => (descriptor === 1 ? process.stdout : process.stderr);
  return {
    isTerminal: isTerminal(descriptor),
    get columns() {
      const { columns } = stream();
      return columns > 0 ? columns : 80;
    },
    get rows() {
      const { rows } = stream();
      return rows > 0 ? rows : 24;
    },
    write(text) {
      let rest: Uint8Array = Buffer.from(text, "utf8");
      while (isOpen && rest.length > 0) {
        try {
          rest = rest.subarray(writeSync(descriptor, rest));
        } catch (error) {
          const code = error instanceof Error && "code" in error ? error.code : undefined;
          if (code === "EPIPE") isOpen = false;
          // The descriptor may be shared with a program that made it non-blocking.
          else if (code === "EAGAIN") Bun.sleepSync(2);
          else if (code !== "EINTR") {
            throw new MbctlError("failed", "Cannot write the answer", {
              cause: error,
            });
          }
        }
      }
    },
  };
}

/** Talk that nobody can hear is no reason to stop. */
function ignoringErrors(sink: TextSink): TextSink {
  return {
    isTerminal: sink.isTerminal,
    get columns() {
      return sink.columns;
    },
    get rows() {
      return sink.rows;
    },
    write(text) {
      try {
        sink.write(text);
      } catch {
        // There is nowhere left to say it.
      }
    },
  };
}
