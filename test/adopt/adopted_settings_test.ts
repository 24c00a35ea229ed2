import { describe, expect, test } from "bun:test";
import { parseEnvFile } from "../../lib/env/env_file.ts";
import { type AdoptedSettings, readAdopted } from "../../lib/adopt/adopted_settings.ts";
import { machinePaths } from "../../lib/paths.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";

const paths = machinePaths("/", parseMachineName("vault"));

function read(nspawn: string, env = ""): AdoptedSettings {
  return readAdopted({ nspawn, environment: parseEnvFile(env) }, paths, "srvgrp0");
}

/** As the earlier mbctl wrote it (its README). */
const earlier = `[Exec]
Boot=no
ProcessTwo=yes
Parameters=/sbin/busybox-init.sh
ResolvConf=copy-stub
PrivateUsers=pick
Environment="PATH=/usr/bin:/bin"
Environment="TERM=xterm"
WorkingDirectory=/app
Capability=CAP_NET_ADMIN,CAP_SYS_TIME
LimitNOFILE=4096

[Network]
VirtualEthernet=yes
Bridge=srvgrp0

[Files]
PrivateUsersOwnership=map
Bind=/var/lib/man8machine_configs/vault/man8env.env:/man8env.env:idmap
Bind=/var/lib/man8machine_configs/vault/etc/vault:/etc/vault:idmap
Bind=/var/lib/man8machine_storage/vault/data:/data:idmap
BindReadOnly=/srv/certificates:/certificates
Bind=/dev/fuse
Bind=/var/lib/man8machine_configs/vault/odd:/elsewhere:idmap
Bind=+/inside:/other
TemporaryFileSystem=/scratch:size=64M,mode=1777
Overlay=/a:/b:/c
`;
const env = `MAN8S_CONTAINER_NAME=vault
MAN8S_CONTAINER_TEMPLATE=network_isolated
MAN8S_OCI_IMAGE_URL=ghcr.io/bitwarden/self-host:latest
MAN8S_APPLICATION_ARGS=/entrypoint.sh --name 'a b'
APP_UID=1654
BASE=https://push.example.org/?a=b c
`;

test("a machine of the earlier mbctl is read", () => {
  expect(read(earlier, env)).toEqual({
    app: {
      ...read("", "").app,
      workingDirectory: "/app",
      capabilities: { add: ["NET_ADMIN", "SYS_TIME"], drop: [] },
      limits: { openFiles: 4096 },
      devices: [{ source: "/dev/fuse", target: "/dev/fuse", access: "rwm", ifAbsent: "fail" }],
    },
    volumes: [
      { path: "/etc/vault", kind: "config" },
      { path: "/data", kind: "data" },
      { path: "/certificates", kind: "host", source: "/srv/certificates", isReadOnly: true },
      { path: "/scratch", kind: "tmpfs", sizeBytes: 2 ** 26, mode: 0o1777 },
    ],
    environment: [
      ["APP_UID", "1654"],
      ["BASE", "https://push.example.org/?a=b c"],
    ],
    reference: "ghcr.io/bitwarden/self-host:latest",
    template: "network_isolated",
    isBooted: false,
    words: ["/entrypoint.sh", "--name", "a b"],
    imageEnvironment: [
      ["PATH", "/usr/bin:/bin"],
      ["TERM", "xterm"],
    ],
    kept: [
      { section: "Exec", key: "ResolvConf", value: "copy-stub" },
      { section: "Exec", key: "PrivateUsers", value: "pick" },
      { section: "Files", key: "PrivateUsersOwnership", value: "map" },
      { section: "Files", key: "Overlay", value: "/a:/b:/c" },
      {
        section: "Files",
        key: "Bind",
        value: "/var/lib/man8machine_configs/vault/odd:/elsewhere:idmap",
      },
      { section: "Files", key: "Bind", value: "+/inside:/other" },
    ],
    notes: [],
  });
});

describe("the template of a machine with", () => {
  test.each([
    ["[Network]\nBridge=srvgrp0\n", "network_isolated", []],
    ["[Network]\nBridge=br0\n", "network_isolated", [/the bridge br0, not into srvgrp0/]],
    ["[Network]\nMACVLAN=eth0\n", "macvlan", []],
    ["[Network]\nVirtualEthernet=no\n", "host", []],
    ["[Network]\nPrivate=yes\nVirtualEthernet=no\n", "private", []],
    ["", "network_isolated", [/a cable to the host, which no template has/]],
  ])("%p is %s", (nspawn, template, notes) => {
    const found = read(nspawn);
    expect(found.template).toBe(template);
    expect(found.notes.length).toBe(notes.length);
    for (const [index, note] of notes.entries()) expect(found.notes[index]).toMatch(note);
  });
});

describe("the program of a machine with", () => {
  test.each([
    ["", "MAN8S_APPLICATION_ARGS=nginx -g 'daemon off;'\n", ["nginx", "-g", "daemon off;"]],
    ["", "MAN8S_APPLICATION_ARGS=serve $PORT\n", ["/bin/sh", "-c", "serve $PORT"]],
    ['[Exec]\nParameters=/bin/sh -c "sleep 1"\n', "", ["/bin/sh", "-c", "sleep 1"]],
    ["[Exec]\nBoot=yes\n", "", ["/sbin/init"]],
    ["", "", []],
  ])("%p and %p is %p", (nspawn, text, words) => {
    expect(read(nspawn, text).words).toEqual(words);
  });
});

test("a limit that is no number is kept as it stands", () => {
  const found = read("[Exec]\nLimitNOFILE=infinity\nLimitCORE=0\n");
  expect(found.app.limits).toEqual({});
  expect(found.kept.map(({ key }) => key)).toEqual(["LimitNOFILE", "LimitCORE"]);
});
