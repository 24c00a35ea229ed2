/**
 * The lines of a machine's unit that hand it its secrets.
 *
 * systemd decrypts them for the unit (systemd.exec(5), LoadCredentialEncrypted=) into a folder of root's that
 * is never swapped out. systemd-nspawn has an option to pass credentials on, but no key for it in its files,
 * and that folder cannot be bound into a user namespace: on systemd 252 it is a ramfs, which takes no id-mapped
 * mount, and Linux has none for a tmpfs before 6.3. So ExecStartPre= copies them to a ramfs of our own below a
 * folder that only root may enter; there they are files for everybody, because the host's root is nobody in
 * the machine. man8s-init hides the bound folder before the program runs.
 *
 * @module
 */

import { execShell } from "./exec_shell.ts";
import { type UnitItem, unitComment, unitEntry } from "./unit_file.ts";

/** A secret of a machine: its name, which is that of its credential, and its encrypted file on the host. */
export interface SecretCredential {
  readonly name: string;
  readonly file: string;
}

/** Where the secrets of all machines that run lie; mode 0700. */
const secretsFolder = "/run/mbctl/secrets";

/** Where those of one lie: what is bound into it. */
export function hostSecretsFolder(machine: string): string {
  return `${secretsFolder}/${machine}`;
}

/** For `[Unit]`: what says most clearly, and before all else, that a secret was never set. */
export function secretUnitConditions(secrets: readonly SecretCredential[]): UnitItem[] {
  if (secrets.length === 0) return [];
  const folders = new Set(secrets.map(({ file }) => file.slice(0, file.lastIndexOf("/"))));
  return [
    unitComment("A secret that is not set: mbctl secrets set sets it."),
    ...[...folders].map((folder) => unitEntry("RequiresMountsFor", folder)),
    ...secrets.map(({ file }) => unitEntry("AssertPathExists", file)),
  ];
}

/** For `[Service]`; both scripts run as root of the host. */
export function secretServiceItems(secrets: readonly SecretCredential[]): UnitItem[] {
  if (secrets.length === 0) return [];
  return [
    unitComment(
      "Secrets: decrypted by systemd, copied to a folder in memory that is bound into the machine, and gone after it.",
    ),
    ...secrets.map(({ name, file }) => unitEntry("LoadCredentialEncrypted", `${name}:${file}`)),
    unitEntry(
      "ExecStartPre",
      execShell(
        [
          "umask 022",
          `d=${hostSecretsFolder("%i")}`,
          "umount -l $d 2>/dev/null",
          `mkdir -p -m 700 ${secretsFolder} || exit`,
          "mkdir -p $d || exit",
          "mount -t ramfs -o nosuid,nodev,noexec,mode=755 secrets $d || exit",
          `for s in ${secrets.map(({ name }) => name).join(" ")}; do cat $CREDENTIALS_DIRECTORY/$s >$d/$s || exit; done`,
        ],
        "mbctl-secrets",
      ),
    ),
    unitEntry(
      "ExecStopPost",
      execShell(
        [
          `d=${hostSecretsFolder("%i")}`,
          "[ -d $d ] || exit 0",
          "umount -l $d",
          "rmdir $d",
          "exit 0",
        ],
        "mbctl-secrets",
      ),
    ),
  ];
}
