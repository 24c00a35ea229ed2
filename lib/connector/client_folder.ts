/**
 * The program by which a machine calls commands, for images of any C library or none: a copy of mbctl with the host's
 * loader and C library beside it, and a static busybox. One folder for all machines.
 *
 * @module
 */

import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { MbctlError } from "../errors.ts";
import { findBusybox } from "../host/busybox.ts";
import {
  listDirectory,
  makeDirectory,
  moveName,
  readTextIfPresent,
  removeFile,
  syncFileSystemOf,
  writeFileDurably,
} from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { childArgument, installedProgram } from "../host/self.ts";
import { connectorsInMachine, stagedName } from "../paths.ts";
import { resolveInside } from "../trees/root_tree.ts";
import { clientInMachine, connectorFolders, socketName } from "./connector_paths.ts";
import { formatInterpreter, readInterpreter } from "./elf_interpreter.ts";

/** What compiled Bun is linked with, beside the loader; all are part of glibc. */
const libraries = ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"];

/**
 * The program and its libraries lie in a folder of their own, `a` or `b`: calls that begin while it is renewed find
 * the old ones whole.
 */
const generations = ["a", "b"] as const;

/** Enough for the program headers and the loader's name. */
const headBytes = 64 * 1024;

/** What the folder is made of. */
interface ClientParts {
  readonly program: string;
  readonly loader: string;
  readonly libraries: readonly { readonly name: string; readonly hostPath: string }[];
  readonly busybox: string;
}

/**
 * The mbctl that machines get a copy of.
 *
 * @throws {MbctlError} (host) where mbctl runs from source alone.
 */
export function requireClientProgram(root: string): string {
  const program = installedProgram(root);
  if (program !== undefined) return program;
  throw new MbctlError(
    "host",
    "Cannot give machines connectors: mbctl is not installed, and runs from its source",
    { hint: "make install" },
  );
}

/**
 * Brings the folder in line with the host's mbctl, C library and busybox. Machines that run see it at once.
 *
 * @throws {MbctlError} (host) when one of them is missing, or mbctl runs from source.
 */
export async function renewClientFolder(host: Host): Promise<void> {
  const folder = connectorFolders(host.root).client;
  const parts = await findParts(host);
  const stampFile = join(folder, "made-of.json");
  const [first, second] = generations;
  const present = readStamp(stampFile);
  const sources = stampOf(parts);
  if (present !== undefined && present.sources === sources) return;
  const generation = present?.generation === first ? second : first;
  makeDirectory(folder, 0o755);
  // Until it is whole, no stamp says that it is.
  removeFile(stampFile);
  const target = join(folder, generation);
  rmSync(target, { recursive: true, force: true });
  makeDirectory(target, 0o755);
  copyProgram(parts.program, join(target, "mbctl"), `${clientInMachine}/${generation}/ld`);
  copy(parts.loader, join(target, "ld"));
  for (const { name, hostPath } of parts.libraries) copy(hostPath, join(target, name));
  const staged = stagedName(join(folder, "busybox"));
  copy(parts.busybox, staged);
  syncFileSystemOf(folder);
  moveName(staged, join(folder, "busybox"));
  writeFileDurably(join(folder, "call"), renderCall(generation), 0o644);
  // Machines see it: what the host has where is none of their business.
  writeFileDurably(stampFile, `${JSON.stringify({ generation, sources })}\n`, 0o600);
}

/** Empties the folder, when no machine has connectors. It stays: one that runs may have it mounted. */
export function clearClientFolder(root: string): void {
  const folder = connectorFolders(root).client;
  for (const name of listDirectory(folder)) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Read by the file of a command, with the machine, the command and its arguments as "$@". */
function renderCall(generation: string): string {
  const folder = `${clientInMachine}/${generation}`;
  return `# Rendered by mbctl: calls a command of another machine.
m8_socket=${connectorsInMachine}/$1/${socketName}
shift
exec ${clientInMachine}/busybox env -i LD_LIBRARY_PATH=${folder} ${folder}/mbctl ${childArgument}connector-client "$m8_socket" "$@"
`;
}

async function findParts(host: Host): Promise<ClientParts> {
  const { root } = host;
  const program = requireClientProgram(root);
  const wanted = readInterpreter(readHead(program));
  // Links are followed as the host itself would.
  const loader = wanted && resolveInside(root, wanted.path);
  if (!loader?.exists) {
    throw new MbctlError("host", `Cannot give machines connectors: ${program} has no loader here`);
  }
  // Loader and library are of one package, and lie in one folder, wherever a distribution has that.
  const folder = dirname(loader.insidePath);
  const found = libraries.map((name) => {
    const { hostPath, exists } = resolveInside(root, join(folder, name));
    if (exists) return { name, hostPath };
    throw new MbctlError(
      "host",
      `Cannot give machines connectors: there is no ${name} in ${folder}`,
    );
  });
  return {
    ...{ program, loader: loader.hostPath, libraries: found },
    busybox: await findBusybox(host),
  };
}

function readHead(path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(headBytes);
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** Copies the program, and has it want another loader. */
function copyProgram(program: string, target: string, loader: string): void {
  copy(program, target);
  const interpreter = readInterpreter(readHead(target));
  if (interpreter === undefined) throw new TypeError(`no loader in ${target}`);
  const file = openSync(target, "r+");
  try {
    const bytes = formatInterpreter(loader, interpreter);
    writeSync(file, bytes, 0, bytes.length, interpreter.offset);
  } finally {
    closeSync(file);
  }
}

function copy(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, 0o755);
}

/** Files by what changes when they do. */
function stampOf({ program, loader, libraries, busybox }: ClientParts): string {
  return [program, loader, ...libraries.map(({ hostPath }) => hostPath), busybox]
    .map((path) => {
      const { size, mtimeMs, ino } = statSync(path);
      return `${path} ${size} ${mtimeMs} ${ino}`;
    })
    .join("\n");
}

function readStamp(path: string): { generation: string; sources: string } | undefined {
  try {
    return JSON.parse(readTextIfPresent(path) ?? "");
  } catch {
    // There is none, or it was damaged: the folder is made anew.
    return undefined;
  }
}
