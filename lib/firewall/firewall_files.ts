/**
 * The files of the firewall: the script, the unit that loads it at boot, and a drop-in for nftables.service.
 *
 * @module
 */

import type { DerivedFile, HostState } from "../network/host_state.ts";
import { renderFirewall } from "./render_firewall.ts";

/** The rendered script, as the host itself sees it. */
export const firewallScript = "/var/lib/mbctl/firewall.nft";
/** The unit that loads it at boot. */
export const firewallUnit = "mbctl-firewall.service";

const units = "/etc/systemd/system";
const unitFile = `${units}/${firewallUnit}`;
/** What `systemctl enable` would make. */
const bootLink = `${units}/multi-user.target.wants/${firewallUnit}`;
const dropInFolder = `${units}/nftables.service.d`;
const dropIn = `${dropInFolder}/50-mbctl.conf`;

/** The link that has the unit started at boot, and where it leads. */
export const firewallBootLink = { path: bootLink, target: unitFile } as const;

/** Every name that the firewall has on a host, for a teardown; folders behind what lies in them. */
export const firewallPaths: readonly string[] = [
  bootLink,
  unitFile,
  dropIn,
  dropInFolder,
  firewallScript,
];

const unitText = `# Made by mbctl: loads the firewall of its machines at boot, before there is a network.
[Unit]
Description=Firewall of mbctl's machines
DefaultDependencies=no
RequiresMountsFor=/var/lib/mbctl
# Many an /etc/nftables.conf begins by flushing all rules.
After=nftables.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f ${firewallScript}
ExecReload=nft -f ${firewallScript}
# No ExecStop=: machines may run on, and must not stand open.

[Install]
WantedBy=multi-user.target
`;

const dropInText = `# Made by mbctl: this service flushes the rules of everybody when it starts, reloads and stops.
# Those of mbctl's machines come back at once.
[Service]
ExecStartPost=-nft -f ${firewallScript}
ExecReload=-nft -f ${firewallScript}
ExecStopPost=-nft -f ${firewallScript}
`;

/** All files of the firewall, the script first. */
export function firewallFiles(state: HostState): readonly [DerivedFile, ...DerivedFile[]] {
  return [
    { path: firewallScript, text: renderFirewall(state), mode: 0o600 },
    { path: unitFile, text: unitText, mode: 0o644 },
    { path: dropIn, text: dropInText, mode: 0o644 },
  ];
}
