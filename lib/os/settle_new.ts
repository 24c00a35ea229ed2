/**
 * What a tree must not bring along: identities that no two machines may share, and what builders of images leave behind.
 *
 * @module
 */

import { enableLink, sshKeysUnit, sshKeysUnitText } from "./ssh_keys_unit.ts";
import { remove, type TreeChange, write } from "./tree_change.ts";
import { firstPath, type TreeView } from "./tree_view.ts";

/** Secrets and seeds that systemd makes itself. */
const ownSecrets: readonly string[] = [
  "/var/lib/systemd/random-seed",
  "/var/lib/systemd/credential.secret",
];

/** The resolver of the host on which the tree was made. */
const hostLitter: readonly string[] = ["/etc/.resolv.conf.systemd-resolved.bak", "/.dockerenv"];

/** The changes of a tree that has never run as this machine. */
export function settleNew(view: TreeView): TreeChange[] {
  return [
    ...forgetIdentity(view),
    ...hostLitter.filter((path) => view.kind(path) !== undefined).map(remove),
    ...dockerSettings(view),
  ];
}

/** The changes that make a copy of a system another one, and leave all else as its administrator has it. */
export function forgetIdentity(view: TreeView): TreeChange[] {
  return [
    // Empty, not missing: systemd makes an id at the first start, and takes that for no first boot (machine-id(5)).
    write("/etc/machine-id", ""),
    ...(view.kind("/var/lib/dbus/machine-id") === "file"
      ? [remove("/var/lib/dbus/machine-id")]
      : []),
    ...ownSecrets.filter((path) => view.kind(path) !== undefined).map(remove),
    ...settleSshKeys(view),
  ];
}

/** Keys that an image brings are everybody's. A unit of ours makes new ones before the server starts. */
function settleSshKeys(view: TreeView): TreeChange[] {
  const keys = view
    .list("/etc/ssh")
    .filter((name) => /^ssh_host_[a-z0-9]+_key(\.pub)?$/.test(name));
  const canMake = firstPath(view, ["/usr/bin/ssh-keygen"]) !== undefined;
  return [
    ...keys.map((name) => remove(`/etc/ssh/${name}`)),
    ...(keys.length > 0 && canMake
      ? [write(`/etc/systemd/system/${sshKeysUnit}`, sshKeysUnitText), enableLink]
      : []),
  ];
}

/**
 * Settings of docker's base images that are wrong in a system that boots and lasts: no service may start, and dpkg does
 * not wait for the disk. The others (apt keeps no packages and no translations) do no harm, and stay.
 */
function dockerSettings(view: TreeView): TreeChange[] {
  const policy = "/usr/sbin/policy-rc.d";
  const speedup = "/etc/dpkg/dpkg.cfg.d/docker-apt-speedup";
  return [
    ...(/^\s*exit 101\s*$/m.test(view.read(policy) ?? "") ? [remove(policy)] : []),
    ...(view.kind(speedup) === undefined ? [] : [remove(speedup)]),
  ];
}
