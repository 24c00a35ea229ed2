/**
 * The account files of a root tree, as texts: root without a password, and a first user. passwd(5), group(5), shadow(5),
 * gshadow, subuid(5).
 *
 * @module
 */

import { MbctlError, usageError } from "../errors.ts";

/** A first user, as it is asked for. */
export interface NewUser {
  readonly name: string;
  /** The first free one from 1000 on without. */
  readonly uid?: number | undefined;
}

/** The text of each file that the tree has. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
  readonly shadow?: string | undefined;
  readonly gshadow?: string | undefined;
  readonly subuid?: string | undefined;
  readonly subgid?: string | undefined;
}

/** A user who is in the files. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * Reads `NAME[:UID]`.
 *
 * @throws {MbctlError} (usage)
 */
export function parseNewUser(text: string): NewUser {
  const [, name, digits] = /^([a-z_][a-z0-9_-]{0,30})(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const uid = digits === undefined ? undefined : Number(digits);
  const wrong =
    name === undefined
      ? "it is not NAME or NAME:UID"
      : name === "root"
        ? "root is there already"
        : // A machine has ids up to 65535; the last two are nobody's.
          uid !== undefined && uid > 65533
          ? `the uid is more than 65533`
          : undefined;
  if (name === undefined || wrong !== undefined) {
    throw usageError(
      `Cannot use ${JSON.stringify(text)} as a user: ${wrong}`,
      'write a name of small letters, digits, "-" and "_", and a uid if it matters, as in build:1001',
    );
  }
  return { name, ...(uid === undefined ? {} : { uid }) };
}

/** The files with root's password locked: nobody logs in by one, `machinectl shell` asks for none. */
export function lockRoot(files: AccountFiles): AccountFiles {
  const lock = (text: string) =>
    mapLines(text, (fields) =>
      fields[0] === "root" ? [fields[0], locked(fields[1] ?? ""), ...fields.slice(2)] : fields,
    );
  const passwd = mapLines(files.passwd, (fields) =>
    // An entry whose password is not in shadow(5).
    fields[0] === "root" && fields[1] !== "x"
      ? [fields[0], files.shadow === undefined ? locked(fields[1] ?? "") : "x", ...fields.slice(2)]
      : fields,
  );
  return {
    ...files,
    passwd,
    ...(files.shadow === undefined ? {} : { shadow: lock(files.shadow) }),
  };
}

function locked(password: string): string {
  if (password === "" || password === "x") return "*";
  return /^[!*]/.test(password) ? password : `!${password}`;
}

/**
 * The files with a user more, in a group of its own; the same files where it is there already.
 *
 * @throws {MbctlError} (conflict) when the name or the uid is another's.
 */
export function addUser(
  files: AccountFiles,
  { name, uid }: NewUser,
  shell: string,
): { readonly files: AccountFiles; readonly account: Account; readonly isNew: boolean } {
  const users = rows(files.passwd);
  const groups = rows(files.group);
  const present = users.find(([user]) => user === name);
  if (present !== undefined) {
    const [, , text = "", gid = "", , home = "/"] = present;
    if (uid !== undefined && Number(text) !== uid)
      throw taken(name, `the system has a user of that name, with uid ${text}`);
    return { files, account: { uid: Number(text), gid: Number(gid), home }, isNew: false };
  }
  const other = uid === undefined ? undefined : users.find((fields) => Number(fields[2]) === uid);
  if (other !== undefined) throw taken(name, `the uid ${uid} is that of "${other[0]}"`);
  const id = uid ?? freeId([...users, ...groups].map((fields) => Number(fields[2])));
  const ownGroup = groups.find(([group]) => group === name);
  const gid =
    ownGroup !== undefined
      ? Number(ownGroup[2])
      : groups.some((fields) => Number(fields[2]) === id)
        ? freeId(groups.map((fields) => Number(fields[2])))
        : id;
  const home = `/home/${name}`;
  const hasShadow = files.shadow !== undefined;
  const account = { uid: id, gid, home };
  const subordinate = (text: string | undefined) =>
    text === undefined || id >= subordinateIds.first ? text : withSubordinateIds(text, name);
  return {
    account,
    isNew: true,
    files: {
      passwd: append(
        files.passwd,
        `${name}:${hasShadow ? "x" : "*"}:${id}:${gid}::${home}:${shell}`,
      ),
      group: ownGroup === undefined ? append(files.group, `${name}:x:${gid}:`) : files.group,
      shadow: hasShadow ? append(files.shadow ?? "", `${name}:!*:::::::`) : undefined,
      gshadow:
        files.gshadow === undefined || ownGroup !== undefined
          ? files.gshadow
          : append(files.gshadow, `${name}:!::`),
      subuid: subordinate(files.subuid),
      subgid: subordinate(files.subgid),
    },
  };
}

/** For containers of a user's own: what a machine has of ids (65536) above those of people. */
const subordinateIds = { first: 10_000, count: 50_000 };

function withSubordinateIds(text: string, name: string): string {
  return rows(text).some(([user]) => user === name)
    ? text
    : append(text, `${name}:${subordinateIds.first}:${subordinateIds.count}`);
}

function freeId(used: readonly number[]): number {
  for (let id = 1000; ; id++) if (!used.includes(id)) return id;
}

function taken(name: string, state: string): MbctlError {
  return new MbctlError("conflict", `Cannot make the user "${name}": ${state}`, {
    hint: "choose another with --user NAME:UID",
  });
}

function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

function mapLines(text: string, change: (fields: readonly string[]) => readonly string[]): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? line : change(line.split(":")).join(":")))
    .join("\n");
}

function append(text: string, line: string): string {
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
}
