/**
 * A unit of ours in machines: host keys for sshd, where a tree's own were taken away.
 *
 * @module
 */

import { link, type TreeChange } from "./tree_change.ts";

export const sshKeysUnit = "mbctl-ssh-host-keys.service";

export const sshKeysUnitText = `# Written by mbctl: the keys that this system came with were taken away, since others have them too.
[Unit]
Description=Host keys for sshd
ConditionPathExistsGlob=!/etc/ssh/ssh_host_*_key
Before=ssh.service sshd.service ssh.socket sshd.socket

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ssh-keygen -A

[Install]
WantedBy=multi-user.target
`;

export const enableLink: TreeChange = link(
  `/etc/systemd/system/multi-user.target.wants/${sshKeysUnit}`,
  `/etc/systemd/system/${sshKeysUnit}`,
);
