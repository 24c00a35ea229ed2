/**
 * Says of systemd, the kernel and the programs of a host whether machines can live on them.
 *
 * @module
 */

import { type Finding, found, ok } from "./finding.ts";
import type { HostFacts, SystemFacts } from "./host_facts.ts";

/** The oldest systemd that mbctl is tested with. */
const oldestSystemd = 252;
/** Id-mapped mounts: since 5.12; on ext4 and XFS, since 5.15 on btrfs. */
const oldestKernel = [5, 12] as const;
/** Below either of them a pull may fill the disk. */
const lowBytes = 1e9;
const lowShare = 0.05;

/** All findings of this part, in the order in which they are told. */
export function evaluateSystem({ system, install }: HostFacts): Finding[] {
  return [
    systemd(system),
    ...kernel(system),
    nftables(system, install),
    ...programs(system, install),
    busybox(system),
    ...system.space.map(space),
  ];
}

function systemd({ systemd }: SystemFacts): Finding {
  if (systemd === undefined) {
    return found("missing", "systemd", "it does not answer", "boot the host with systemd");
  }
  if (systemd >= oldestSystemd) return ok("systemd", String(systemd));
  const mend = `upgrade the distribution: systemd ${oldestSystemd} or later`;
  return found("wrong", "systemd", `${systemd} is too old`, mend);
}

function kernel(system: SystemFacts): Finding[] {
  const { kernel, userNamespaces, maxUserNamespaces, idMapping } = system;
  const [major = 0, minor = 0] = kernel.split(".").map((part) => Number.parseInt(part, 10));
  const isOld = major < oldestKernel[0] || (major === oldestKernel[0] && minor < oldestKernel[1]);
  if (isOld) {
    const mend = `boot Linux ${oldestKernel.join(".")} or later`;
    return [found("wrong", "kernel", `${kernel} has no id-mapped mounts`, mend)];
  }
  if (userNamespaces !== undefined) {
    const mend =
      maxUserNamespaces === 0
        ? "sysctl -w user.max_user_namespaces=65536"
        : "boot a kernel that has user namespaces (CONFIG_USER_NS)";
    return [found("wrong", "kernel", `no user namespaces: ${userNamespaces}`, mend)];
  }
  const failed = idMapping.filter(({ problem }) => problem !== undefined);
  const mapped = idMapping
    .filter(({ problem }) => problem === undefined)
    .map(({ folder }) => folder);
  return [
    ok(
      "kernel",
      `${kernel}, user namespaces${mapped.length === 0 ? "" : `, id-mapped mounts in ${mapped.join(", ")}`}`,
    ),
    ...failed.map(({ folder, problem }) =>
      found(
        "wrong",
        "file system",
        `no id-mapped mounts in ${folder}: ${problem}`,
        `put ${folder} on ext4, XFS or btrfs`,
      ),
    ),
  ];
}

function nftables({ nftables }: SystemFacts, install: HostFacts["install"]): Finding {
  if (nftables === undefined) return ok("nftables", "rules for inet and bridge are taken");
  const isMissing = nftables === "not installed";
  return found(
    isMissing ? "missing" : "wrong",
    "nftables",
    nftables,
    isMissing ? install.nft : "boot a kernel that has nf_tables, with its inet and bridge families",
  );
}

function programs(
  { missingPrograms, skopeo }: SystemFacts,
  install: HostFacts["install"],
): Finding[] {
  return [
    typeof skopeo === "object"
      ? ok("skopeo", skopeo.version)
      : skopeo === "missing"
        ? found("missing", "skopeo", "not installed", install.skopeo)
        : found("wrong", "skopeo", "it does not say its version", "run skopeo --version"),
    ...missingPrograms.map((program) =>
      found("missing", "programs", `${program} is not installed`, install[program]),
    ),
  ];
}

function busybox({ busybox }: SystemFacts): Finding {
  if ("path" in busybox) return ok("busybox", `${busybox.path}, static, with all applets`);
  return found("missing", "busybox", busybox.problem, busybox.hint);
}

function space({ folder, freeBytes, totalBytes }: SystemFacts["space"][number]): Finding {
  const percent = Math.floor((100 * freeBytes) / Math.max(totalBytes, 1));
  const seen = `${(freeBytes / 1e9).toFixed(1)} GB (${percent} %) free in ${folder}`;
  if (freeBytes >= lowBytes && freeBytes >= lowShare * totalBytes) return ok("space", seen);
  return found("warning", "space", seen, "mbctl cache prune");
}
