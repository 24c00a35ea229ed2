/**
 * `oci-APP-user.service`: systemd runs nothing as a user that its machine does not know, by number either (252 to 262:
 * "Failed to determine user credentials"). So a number that has no name in the machine gets one, as a package of the
 * distribution would do it. The name says nothing: the application reads its own passwd.
 *
 * @module
 */

import {
  formatUnitFile,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import type { AppName } from "../spec/app_name.ts";
import type { UserIds } from "../watch/image_user.ts";
import { appUnits } from "./app_paths.ts";
import { renderedComment } from "./app_service.ts";

/** Renders it; undefined for an application of root's, who is known everywhere. */
export function renderUserService(name: AppName, user: UserIds): string | undefined {
  const groups = [user.gid, ...user.groups].filter((gid) => gid !== 0);
  if (user.uid === 0 && groups.length === 0) return undefined;
  const unless = (database: string, id: number, line: string) =>
    `getent ${database} ${id} >/dev/null || systemd-sysusers --inline "${line}"`;
  const lines = [
    ...groups.map((gid) => unless("group", gid, `g oci-${gid} ${gid}`)),
    ...(user.uid === 0
      ? []
      : [unless("passwd", user.uid, `u oci-${user.uid} ${user.uid}:${user.gid}`)]),
  ];
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `User of ${name}`),
    unitEntry("Before", appUnits(name).service),
    unitBlank(),
    unitSection("Service"),
    unitEntry("Type", "oneshot"),
    unitEntry("RemainAfterExit", "yes"),
    ...lines.map((line) => unitEntry("ExecStart", `/bin/sh -c '${line}'`)),
  ]);
}
