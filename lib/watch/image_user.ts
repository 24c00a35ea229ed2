/**
 * Who `--user` means in a machine, by the rules of podman and docker (GetExecUser of
 * github.com/moby/sys/user), as init-templates/40-user.sh has them.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";

/** A user of a machine, in the machine's own numbers. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

/** The texts of an image's /etc/passwd and /etc/group; "" for a file that is not there. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Finds `name`, `uid`, `name:group` or `uid:gid`. A number is an id before it is a name, and needs no
 * entry; supplementary groups count only where no group is named.
 *
 * @param owner whose files they are, for the message.
 * @throws {MbctlError} (usage) for a name that the files do not have.
 */
export function findUser(
  text: string,
  files: UserFiles,
  owner: "machine" | "image" = "machine",
): UserIds & { readonly home: string } {
  const [, user = "", group] = /^([^:]*)(?::(.+)?)?$/.exec(text) ?? [];
  const users = entries(files.passwd, 4);
  const number = parseId(user === "" ? "0" : user);
  const entry = users.find(([name, , uid = ""]) =>
    number === undefined ? name === user : parseId(uid) === number,
  );
  const uid = number ?? parseId(entry?.[2] ?? "");
  if (uid === undefined) throw unknown(text, `${owner}'s /etc/passwd`, user);
  const groups = entries(files.group, 3);
  if (group !== undefined) {
    const gid = parseId(group) ?? parseId(groups.find(([name]) => name === group)?.[2] ?? "");
    if (gid === undefined) throw unknown(text, `${owner}'s /etc/group`, group);
    return { uid, gid, groups: [], home: entry?.[5] || "/" };
  }
  const gid = parseId(entry?.[3] ?? "") ?? 0;
  const name = entry?.[0];
  const member = groups
    .filter(([, , , members = ""]) => name !== undefined && members.split(",").includes(name))
    .flatMap(([, , id = ""]) => parseId(id) ?? []);
  return {
    uid,
    gid,
    groups: [...new Set(member)].filter((id) => id !== gid),
    home: entry?.[5] || "/",
  };
}

/**
 * Reads what man8s-init notes of the program's user: `UID GID GROUP…`.
 *
 * @returns undefined for any other text: a machine can write the file.
 */
export function parseIdentity(text: string): UserIds | undefined {
  const ids = text.trim().split(" ").map(parseId);
  const [uid, gid, ...groups] = ids.filter((id) => id !== undefined);
  if (uid === undefined || gid === undefined || ids.includes(undefined)) return undefined;
  return { uid, gid, groups };
}

function entries(text: string, least: number): string[][] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= least);
}

/** Up to 2^31-1, as in runc. */
function parseId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined;
}

function unknown(text: string, file: string, name: string): MbctlError {
  return new MbctlError(
    "usage",
    `Cannot run as ${JSON.stringify(text)}: the ${file} has no ${JSON.stringify(name)}`,
    { hint: "--user takes numbers too: --user 1000:1000" },
  );
}
