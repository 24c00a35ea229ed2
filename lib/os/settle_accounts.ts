/**
 * The accounts of a new system: root without a password, the first user with a home.
 *
 * @module
 */

import { type Account, type AccountFiles, addUser, lockRoot, type NewUser } from "./accounts.ts";
import type { SystemFacts } from "./system_facts.ts";
import { rewrite, type TreeChange, write } from "./tree_change.ts";
import type { TreeView } from "./tree_view.ts";

const paths = ["passwd", "group", "shadow", "gshadow", "subuid", "subgid"] as const;

/**
 * The changes of the account files, and the home of a user who is made.
 *
 * @throws {MbctlError} (conflict) when the user cannot be made.
 */
export function settleAccounts(
  view: TreeView,
  { shell }: SystemFacts,
  user: NewUser | undefined,
): TreeChange[] {
  const text = (name: string) => view.read(`/etc/${name}`);
  const present: AccountFiles = {
    passwd: text("passwd") ?? "root:x:0:0:root:/root:/bin/sh\n",
    group: text("group") ?? "root:x:0:\n",
    ...Object.fromEntries(
      paths.slice(2).flatMap((name) => (text(name) === undefined ? [] : [[name, text(name)]])),
    ),
  };
  const base = lockRoot(present);
  const added = user === undefined ? undefined : addUser(base, user, shell);
  const files = added?.files ?? base;
  return [
    ...paths.flatMap((name): TreeChange[] => {
      const wanted = files[name];
      if (wanted === undefined || wanted === text(name)) return [];
      const path = `/etc/${name}`;
      return [view.kind(path) === "file" ? rewrite(path, wanted) : write(path, wanted)];
    }),
    ...(added?.isNew === true && view.kind(added.account.home) === undefined
      ? [home(added.account)]
      : []),
  ];
}

function home({ uid, gid, home }: Account): TreeChange {
  return { kind: "copy-folder", from: "/etc/skel", path: home, mode: 0o700, owner: { uid, gid } };
}
