/**
 * Fedora by dnf(8), openSUSE by zypper(8).
 *
 * @module
 */

import {
  type Architecture,
  type BootstrapPlan,
  type BootstrapRequest,
  requireKey,
  type TreeFile,
} from "./bootstrap_request.ts";

/** A repository of packages. */
interface Repository {
  readonly id: string;
  readonly url: string;
}

/** Both dnf 4 and 5 take these words; no configuration of the host's is read but dnf's own. */
export function dnfPlan(request: BootstrapRequest): BootstrapPlan {
  const { os, program, packages, tree } = request;
  const key = fedoraKey(request);
  const all = fedoraRepositories(request);
  return {
    program,
    before: [],
    commands: [
      [
        ...[program, `--installroot=${tree}`, `--releasever=${os.release}`, "--assumeyes"],
        ...all.flatMap(({ id, url }) => [
          `--repofrompath=${id},${url}`,
          `--setopt=${id}.gpgcheck=1`,
          `--setopt=${id}.gpgkey=file://${key}`,
        ]),
        // These repositories and no others.
        ...all.map(({ id }) => `--repo=${id}`),
        ...["--setopt=install_weak_deps=False", "--setopt=keepcache=False"],
        ...["install", ...packages],
      ],
    ],
    after: [],
    caches: ["/var/cache/dnf", "/var/cache/libdnf5"],
  };
}

function fedoraKey(request: BootstrapRequest): string {
  const { release } = request.os;
  const names = release === "rawhide" ? ["rawhide-primary"] : [`${release}-primary`];
  return requireKey(
    request,
    names.flatMap((name) => [
      `/usr/share/distribution-gpg-keys/fedora/RPM-GPG-KEY-fedora-${name}`,
      `/etc/pki/rpm-gpg/RPM-GPG-KEY-fedora-${name}`,
    ]),
    "distribution-gpg-keys",
  );
}

function fedoraRepositories({ os, mirror, host }: BootstrapRequest): Repository[] {
  const { release } = os;
  const url = mirror ?? "https://dl.fedoraproject.org/pub/fedora/linux";
  const architecture = rpmArchitecture(host.architecture);
  if (release === "rawhide")
    return [
      { id: "mbctl-fedora", url: `${url}/development/rawhide/Everything/${architecture}/os/` },
    ];
  return [
    { id: "mbctl-fedora", url: `${url}/releases/${release}/Everything/${architecture}/os/` },
    { id: "mbctl-updates", url: `${url}/updates/${release}/Everything/${architecture}/` },
  ];
}

function rpmArchitecture(architecture: Architecture): string {
  return architecture === "x64" ? "x86_64" : "aarch64";
}

/** The repositories lie in the new tree, and stay there. */
export function zypperPlan(request: BootstrapRequest): BootstrapPlan {
  const { packages, tree } = request;
  const key = suseKey(request);
  return {
    program: "zypper",
    before: suseRepositories(request),
    commands: [
      ["rpm", `--root=${tree}`, "--initdb"],
      ["rpm", `--root=${tree}`, "--import", key],
      [
        ...["zypper", `--root=${tree}`, "--non-interactive", "install"],
        ...["--auto-agree-with-licenses", "--no-recommends", ...packages],
      ],
    ],
    after: [],
    caches: ["/var/cache/zypp"],
  };
}

function suseKey(request: BootstrapRequest): string {
  const isTumbleweed = request.os.release === "tumbleweed";
  const folder = "/usr/share/distribution-gpg-keys/opensuse";
  return requireKey(
    request,
    isTumbleweed
      ? [
          `${folder}/RPM-GPG-KEY-openSUSE-Tumbleweed`,
          "/usr/lib/rpm/gnupg/keys/gpg-pubkey-29b700a4-62b07e22.asc",
        ]
      : [
          `${folder}/RPM-GPG-KEY-openSUSE`,
          "/usr/lib/rpm/gnupg/keys/gpg-pubkey-25db7ae0-645bae34.asc",
        ],
    "distribution-gpg-keys",
  );
}

function suseRepositories({ os, mirror, host }: BootstrapRequest): TreeFile[] {
  const url = mirror ?? "https://download.opensuse.org";
  const file = (name: string, baseUrl: string): TreeFile => ({
    path: `/etc/zypp/repos.d/${name}.repo`,
    text: `[${name}]
name=${name}
enabled=1
autorefresh=1
gpgcheck=1
baseurl=${baseUrl}
`,
  });
  if (os.release === "tumbleweed") {
    const isPort = host.architecture !== "x64";
    const folder = isPort ? "ports/aarch64/tumbleweed" : "tumbleweed";
    return [
      file("repo-oss", `${url}/${folder}/repo/oss/`),
      ...(isPort ? [] : [file("repo-update", `${url}/update/tumbleweed/`)]),
    ];
  }
  const architecture = rpmArchitecture(host.architecture);
  // From 16.0 on a folder for each processor, with the updates in it.
  if (os.release.startsWith("15."))
    return [
      file("repo-oss", `${url}/distribution/leap/${os.release}/repo/oss/`),
      file("repo-update", `${url}/update/leap/${os.release}/oss/`),
      file("repo-sle-update", `${url}/update/leap/${os.release}/sle/`),
    ];
  return [file("repo-oss", `${url}/distribution/leap/${os.release}/repo/oss/${architecture}/`)];
}
