/**
 * The root tree of a lab host, made once by mmdebstrap(1) and kept in the cache.
 *
 * @module
 */
import { cached } from "./cache.ts";
import { run } from "./run.ts";

/** An operating system that a lab host can run. */
export type HostOs = "debian12" | "debian13" | "sid";

/** All of them, oldest first. */
export const hostOses: readonly HostOs[] = ["debian12", "debian13", "sid"];

/** The systemd that each brings. */
export const systemdVersions: Readonly<Record<HostOs, number>> = {
  debian12: 252,
  debian13: 257,
  sid: 262,
};

const suites: Readonly<Record<HostOs, string>> = {
  debian12: "bookworm",
  debian13: "trixie",
  sid: "sid",
};

/** Raise it when something below changes that the other parts of the key do not show. */
const recipeVersion = 1;

const packages: readonly string[] = [
  // The system itself.
  ...[
    "systemd",
    "systemd-sysv",
    "systemd-container",
    "systemd-resolved",
    "libnss-myhostname",
    "dbus",
  ],
  // What mbctl and the machines need.
  ...["busybox-static", "ca-certificates", "iproute2", "nftables", "skopeo", "yggdrasil"],
  // What the tests look with.
  ...[
    "curl",
    "docker-registry",
    "iputils-ping",
    "openssl",
    "procps",
    "strace",
    "tcpdump",
    "util-linux",
  ],
];

/** Files that no test reads: half of the tree. */
const excludedPaths: readonly string[] = [
  "/usr/share/doc/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/man/*",
  "/usr/lib/cni/*",
];

/**
 * Units that wait for an outside world which a lab host has not, or that start by
 * themselves in one Debian and not in another: every host begins alike.
 */
const maskedUnits: readonly string[] = [
  "apt-daily-upgrade.timer",
  "apt-daily.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "systemd-modules-load.service",
  "systemd-networkd-wait-online.service",
];
const disabledUnits: readonly string[] = ["docker-registry.service", "yggdrasil.service"];
const enabledUnits: readonly string[] = ["systemd-networkd.service", "systemd-resolved.service"];

/**
 * Returns the cached tree of an operating system; the first call takes about a minute.
 *
 * @param more packages beside those that every host has.
 * @throws RunError when mmdebstrap fails, with the end of its log.
 */
export async function hostImage(os: HostOs, more: readonly string[] = []): Promise<string> {
  const suite = suites[os];
  const recipe = [
    recipeVersion,
    suite,
    [...packages, ...more],
    excludedPaths,
    maskedUnits,
    disabledUnits,
    enabledUnits,
  ];
  return await cached([`host-${os}`, ...more].join("+"), recipe, async (dir) => {
    process.stderr.write(
      `lab: building the root tree of ${[os, ...more].join(" with ")} (once; about a minute)\n`,
    );
    await mmdebstrap(suite, dir, [
      "--variant=minbase",
      `--include=${[...packages, ...more].join(",")}`,
      ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
      ...[
        ["mask", ...maskedUnits],
        ["disable", ...disabledUnits],
        ["enable", ...enabledUnits],
      ].map((words) => `--customize-hook=chroot "$1" systemctl --quiet ${words.join(" ")}`),
    ]);
  });
}

/**
 * Calls mmdebstrap for a Debian suite; packages come from Debian's own mirror, or
 * from `$MBCTL_LAB_MIRROR`.
 */
export async function mmdebstrap(
  suite: string,
  dir: string,
  options: readonly string[],
): Promise<void> {
  const mirror = process.env.MBCTL_LAB_MIRROR;
  // A mirror that is a snapshot serves a Release file whose time is over; only that of sid says so.
  const freshness = ["Check-Valid-Until", "Check-Date"].map(
    (key) => `--aptopt=Acquire::${key} "false"`,
  );
  await run(
    [
      // mmdebstrap unmounts and removes by itself when it is told to end; should we die, tell it.
      ...["setpriv", "--pdeathsig", "TERM", "--"],
      ...["mmdebstrap", "--mode=root", "--format=directory", ...options],
      ...(suite === "sid" ? freshness : []),
      ...[suite, dir, ...(mirror === undefined || mirror === "" ? [] : [mirror])],
    ],
    { timeoutMs: 15 * 60_000 },
  );
}
