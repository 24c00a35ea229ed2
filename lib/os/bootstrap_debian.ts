/**
 * Debian and Ubuntu, by mmdebstrap(1) or debootstrap(8).
 *
 * @module
 */

import {
  type BootstrapPlan,
  type BootstrapRequest,
  requireKey,
  type TreeFile,
} from "./bootstrap_request.ts";

/** One line of sources.list(5). */
interface Source {
  readonly url: string;
  readonly suite: string;
}

/** By apt of the host, in about 20 s, with all sources at once. */
export function mmdebstrapPlan(request: BootstrapRequest): BootstrapPlan {
  const { os, packages, tree } = request;
  const key = archiveKey(request);
  return {
    program: "mmdebstrap",
    before: [],
    commands: [
      [
        ...["mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase"],
        `--components=${components(request).join(",")}`,
        `--include=${packages.join(",")}`,
        // Said again, whatever the host's own apt.conf says: nothing is taken unsigned.
        '--aptopt=APT::Get::AllowUnauthenticated "false"',
        '--aptopt=Acquire::AllowInsecureRepositories "false"',
        ...[os.release, tree],
        ...sources(request).map((source) => sourceLine(source, request, key)),
      ],
    ],
    after: [],
    caches: aptCaches,
  };
}

/** One source at a time: what was mended since a release comes by the machine's first `apt upgrade`. */
export function debootstrapPlan(request: BootstrapRequest): BootstrapPlan {
  const { os, packages, tree } = request;
  const key = archiveKey(request);
  const all = sources(request);
  return {
    program: "debootstrap",
    before: [],
    commands: [
      [
        ...["debootstrap", "--variant=minbase", `--keyring=${key}`],
        ...["--force-check-gpg", `--components=${components(request).join(",")}`],
        `--include=${packages.join(",")}`,
        ...[os.release, tree, all[0]?.url ?? ""],
      ],
    ],
    after: [sourcesFile(request, all, key)],
    caches: aptCaches,
  };
}

const aptCaches: readonly string[] = ["/var/cache/apt", "/var/lib/apt/lists"];

function sourcesFile(request: BootstrapRequest, all: readonly Source[], key: string): TreeFile {
  const text = all.map((source) => `${sourceLine(source, request, key)}\n`).join("");
  return { path: "/etc/apt/sources.list", text };
}

function sourceLine({ url, suite }: Source, request: BootstrapRequest, key: string): string {
  return `deb [signed-by=${key}] ${url} ${suite} ${components(request).join(" ")}`;
}

function components({ os }: BootstrapRequest): readonly string[] {
  return os.distribution === "ubuntu" ? ["main", "universe"] : ["main"];
}

/** The package keeps it at the same place in the new system, where sources.list names it too. */
function archiveKey(request: BootstrapRequest): string {
  return request.os.distribution === "ubuntu"
    ? requireKey(request, ["/usr/share/keyrings/ubuntu-archive-keyring.gpg"], "ubuntu-keyring")
    : requireKey(
        request,
        ["/usr/share/keyrings/debian-archive-keyring.gpg"],
        "debian-archive-keyring",
      );
}

/** A mirror of one's own is the only source: what it has beside the release is not known. */
function sources({ os, mirror, host }: BootstrapRequest): Source[] {
  const { distribution, release } = os;
  if (mirror !== undefined) return [{ url: mirror, suite: release }];
  if (distribution === "ubuntu") {
    const isPort = host.architecture !== "x64";
    const url = isPort
      ? "http://ports.ubuntu.com/ubuntu-ports"
      : "http://archive.ubuntu.com/ubuntu";
    return [
      { url, suite: release },
      { url, suite: `${release}-updates` },
      { url: isPort ? url : "http://security.ubuntu.com/ubuntu", suite: `${release}-security` },
    ];
  }
  const url = "http://deb.debian.org/debian";
  if (release === "sid") return [{ url, suite: release }];
  return [
    { url, suite: release },
    { url, suite: `${release}-updates` },
    { url: "http://deb.debian.org/debian-security", suite: `${release}-security` },
  ];
}
