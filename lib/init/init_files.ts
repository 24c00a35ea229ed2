/**
 * What man8s-init is on disk: the files of init-templates/, embedded as text, and
 * the rules for installing them. Pure data; the installer is elsewhere.
 *
 * @module
 */
import init from "../../init-templates/00-init.sh" with { type: "text" };
import kept from "../../init-templates/10-kept.sh" with { type: "text" };
import environment from "../../init-templates/20-environment.sh" with { type: "text" };
import environmentLoad from "../../init-templates/21-environment-load.sh" with { type: "text" };
import address from "../../init-templates/30-address.sh" with { type: "text" };
import ipv6 from "../../init-templates/31-ipv6.sh" with { type: "text" };
import ipv6Routes from "../../init-templates/32-ipv6-routes.sh" with { type: "text" };
import ipv4 from "../../init-templates/33-ipv4.sh" with { type: "text" };
import network from "../../init-templates/34-network.sh" with { type: "text" };
import user from "../../init-templates/40-user.sh" with { type: "text" };
import group from "../../init-templates/41-group.sh" with { type: "text" };
import identity from "../../init-templates/42-identity.sh" with { type: "text" };
import secrets from "../../init-templates/43-secrets.sh" with { type: "text" };
import console from "../../init-templates/50-console.sh" with { type: "text" };
import commandLine from "../../init-templates/60-arguments.sh" with { type: "text" };
import program from "../../init-templates/70-program.sh" with { type: "text" };
import programFind from "../../init-templates/71-program-find.sh" with { type: "text" };
import wait from "../../init-templates/80-wait.sh" with { type: "text" };
import exec from "../../init-templates/90-exec.sh" with { type: "text" };
import dhcpLease from "../../init-templates/dhcp-lease.sh" with { type: "text" };

/** The folder of man8s-init in a machine; the installer replaces it as a whole, owned by root, mode 0755. */
export const INIT_DIR = "/man8s-init";
/** What `Parameters=` of the nspawn file names. */
export const INIT_PATH = `${INIT_DIR}/00-init.sh`;
/** The static busybox; its file name must begin with `busybox`, by which it knows itself. */
export const BUSYBOX_PATH = `${INIT_DIR}/busybox`;
/** Mode of the busybox. */
export const BUSYBOX_MODE = 0o755;
/** The environment file, a bind mount; the installer makes an empty regular file to mount it on. */
export const ENV_FILE_PATH = "/man8env.env";

/** Where the host binds the values of secrets for man8s-init, which hides the place before the program runs. */
export const SECRETS_SOURCE = "/run/host/mbctl-secrets";

/** One file of man8s-init. */
export interface InitFile {
  /** File name in `INIT_DIR`. */
  readonly name: string;
  /** Permission bits; the owner is root. */
  readonly mode: number;
  /** Content. */
  readonly text: string;
}

const EXECUTABLE = 0o755;
const SOURCED = 0o644;

/** Every file of man8s-init but the busybox, in the order in which 00-init.sh reads them; the script of udhcpc is last. */
export const INIT_FILES: readonly InitFile[] = [
  { name: "00-init.sh", mode: EXECUTABLE, text: init },
  { name: "10-kept.sh", mode: SOURCED, text: kept },
  { name: "20-environment.sh", mode: SOURCED, text: environment },
  { name: "21-environment-load.sh", mode: SOURCED, text: environmentLoad },
  { name: "30-address.sh", mode: SOURCED, text: address },
  { name: "31-ipv6.sh", mode: SOURCED, text: ipv6 },
  { name: "32-ipv6-routes.sh", mode: SOURCED, text: ipv6Routes },
  { name: "33-ipv4.sh", mode: SOURCED, text: ipv4 },
  { name: "34-network.sh", mode: SOURCED, text: network },
  { name: "40-user.sh", mode: SOURCED, text: user },
  { name: "41-group.sh", mode: SOURCED, text: group },
  { name: "42-identity.sh", mode: SOURCED, text: identity },
  { name: "43-secrets.sh", mode: SOURCED, text: secrets },
  { name: "50-console.sh", mode: SOURCED, text: console },
  { name: "60-arguments.sh", mode: SOURCED, text: commandLine },
  { name: "70-program.sh", mode: SOURCED, text: program },
  { name: "71-program-find.sh", mode: SOURCED, text: programFind },
  { name: "80-wait.sh", mode: SOURCED, text: wait },
  { name: "90-exec.sh", mode: SOURCED, text: exec },
  { name: "dhcp-lease.sh", mode: EXECUTABLE, text: dhcpLease },
];

/** A folder of the image's over which nspawn mounts a tmpfs; see init-templates/10-kept.sh. */
export interface KeptFolder {
  /** The folder in the root tree, copied from, left as it is. */
  readonly from: string;
  /** Where the copy goes: owners, modes, times, links and types kept; made only if there is something to copy. */
  readonly to: string;
  /** Entries of `from` that are not copied: nspawn's own. */
  readonly except: readonly string[];
}

/** What the installer copies inside the root tree, after it has emptied `INIT_DIR`. Sockets are left out. */
export const KEPT_FOLDERS: readonly KeptFolder[] = [
  { from: "/run", to: `${INIT_DIR}/kept/run`, except: ["host"] },
  { from: "/tmp", to: `${INIT_DIR}/kept/tmp`, except: [] },
];

/**
 * Folders that systemd-nspawn needs as mount points, with the mode for one that the root tree lacks.
 * It refuses a tree without /usr.
 */
export const MOUNT_POINTS: readonly {
  readonly path: string;
  readonly mode: number;
}[] = [
  { path: "/usr", mode: 0o755 },
  { path: "/etc", mode: 0o755 },
  { path: "/proc", mode: 0o555 },
  { path: "/sys", mode: 0o555 },
  { path: "/dev", mode: 0o755 },
  { path: "/run", mode: 0o755 },
  { path: "/tmp", mode: 0o1777 },
];
