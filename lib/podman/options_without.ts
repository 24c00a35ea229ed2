/**
 * Options without an equivalent: why, and what to do instead; and those of which nothing is lost.
 *
 * @module
 */

import {
  flag,
  harmless,
  manyValues,
  only,
  oneValue,
  type RunOption,
  without,
} from "./run_option.ts";

const dropIn = (key: string) =>
  without(
    `there is no key for it; write ${key} into a drop-in: systemctl edit systemd-nspawn@MACHINE.service`,
  );
const nspawnKey = (key: string) =>
  without(`there is no key for it; write ${key} under [Exec] of container.nspawn`);

const addresses = without("a machine's addresses follow from its name and its host's key");
const ownNamespace = "systemd-nspawn gives each machine one of its own";
const userNamespace = without("systemd-nspawn picks the user namespace of each machine by itself");
const dns = without("machines take their name servers from the host by DHCP; set them on the host");
const pods = without("there are no pods: machines of a host reach each other by name");
const files = without("mbctl writes no such file; mbctl machines list --json knows all");
const passwd = without("users are those of the image's /etc/passwd");
const registry = without("it is for the download alone: give it to the mbctl that pulls");
const checksAtStart = without(
  "failures before --health-start-period is over do not count; there is no second check",
);
const healthLog = without("what a check says goes to the journal");
const windows = without("it is for Windows alone");
const devices = (key: string) => dropIn(`${key} with the device`);
const terminal = harmless("machines have no terminal of yours: mbctl machines shell MACHINE");
const pulling = harmless(
  "it is for the download alone; mbctl asks the registry for what is missing",
);
const realTime = without("cgroup v2 has no such limit");
const docker = without("it is Docker's own");
const platform = without("images are pulled for this host's architecture");
const image = without(
  "it is for images that somebody else removes; mbctl cache prune removes what no machine uses",
);

const network: readonly RunOption[] = [
  flag(
    "publish-all",
    without("mbctl chooses no ports of the host for you: name each with -p HOST:PORT"),
    {
      short: "P",
    },
  ),
  manyValues(
    "expose",
    harmless(
      "a machine's ports need not be declared; expose = in machine.toml opens one for everybody",
    ),
  ),
  oneValue("hostname", without("a machine's host name is its own name; name it so"), {
    short: "h",
  }),
  oneValue("domainname", without("domain = in config.toml is for all machines of the host")),
  manyValues(
    "add-host",
    without("machines know the names in the host's /etc/hosts: write it there"),
  ),
  manyValues("dns", dns),
  manyValues("dns-option", dns, { aliases: ["dns-opt"] }),
  manyValues("dns-search", dns),
  oneValue(
    "ip",
    without("a machine keeps the IPv4 address in ipv4 =, which must be of the bridge's network"),
  ),
  oneValue("ip6", addresses),
  manyValues("link-local-ip", addresses),
  oneValue("mac-address", addresses),
  manyValues("network-alias", without("a machine has one name; name it so"), {
    aliases: ["net-alias"],
  }),
  manyValues(
    "link",
    without("machines of a host reach each other by name; depends = has the order"),
  ),
  flag(
    "no-hosts",
    without("mbctl does not write the machine's /etc/hosts anyway, systemd-nspawn may"),
  ),
  flag("no-hostname", without("systemd-nspawn writes the host name")),
  oneValue(
    "hosts-file",
    without("machines know the names in the host's /etc/hosts: write it there"),
  ),
];

const limits: readonly RunOption[] = [
  oneValue("memory-reservation", dropIn("MemoryLow=")),
  oneValue("memory-swap", dropIn("MemorySwapMax=")),
  oneValue("memory-swappiness", without("cgroup v2 has no such setting")),
  oneValue("kernel-memory", without("cgroup v2 has no such limit")),
  oneValue("cpu-shares", dropIn("CPUWeight="), { short: "c" }),
  oneValue("cpu-rt-period", realTime),
  oneValue("cpu-rt-runtime", realTime),
  oneValue("cpuset-cpus", dropIn("AllowedCPUs=")),
  oneValue("cpuset-mems", dropIn("AllowedMemoryNodes=")),
  manyValues("blkio-weight-device", devices("IODeviceWeight=")),
  manyValues("device-read-bps", devices("IOReadBandwidthMax=")),
  manyValues("device-read-iops", devices("IOReadIOPSMax=")),
  manyValues("device-write-bps", devices("IOWriteBandwidthMax=")),
  manyValues("device-write-iops", devices("IOWriteIOPSMax=")),
  manyValues("device-cgroup-rule", without('name the class in [[devices]]: source = "char-CLASS"')),
  oneValue("shm-size-systemd", without("systemd-nspawn gives /run a share of the host's memory")),
  flag("oom-kill-disable", without("cgroup v2 has no such setting")),
  oneValue("oom-score-adj", nspawnKey("OOMScoreAdjust=")),
  manyValues(
    "cgroup-conf",
    without(
      "write the key of systemd.resource-control(5) into a drop-in: systemctl edit systemd-nspawn@MACHINE.service",
    ),
  ),
  oneValue("cgroup-parent", dropIn("Slice=")),
  oneValue("cgroupns", only(["private", ""], ownNamespace)),
  oneValue(
    "cgroups",
    only(["enabled", "split", "no-conmon"], "systemd keeps each machine in a cgroup"),
  ),
  oneValue("rdt-class", without("systemd knows no such class")),
  oneValue("cpu-count", windows),
  oneValue("cpu-percent", windows),
  oneValue("io-maxbandwidth", windows),
  oneValue("io-maxiops", windows),
  oneValue("timeout", dropIn("RuntimeMaxSec=")),
  manyValues("storage-opt", without("[limits] disk = limits the root tree on btrfs")),
];

const security: readonly RunOption[] = [
  flag(
    "privileged",
    without('name what the program needs: [capabilities] add = ["ALL"] or some, and [[devices]]'),
  ),
  manyValues(
    "security-opt",
    without(
      "there is no key for it; NoNewPrivileges= and SystemCallFilter= stand under [Exec] of container.nspawn",
    ),
  ),
  oneValue("seccomp-policy", nspawnKey("SystemCallFilter=")),
  manyValues(
    "sysctl",
    without(
      "systemd-nspawn sets none in a machine; for the network's, a script at the program's start",
    ),
  ),
  oneValue("userns", userNamespace),
  manyValues("uidmap", userNamespace),
  manyValues("gidmap", userNamespace),
  oneValue("subuidname", userNamespace),
  oneValue("subgidname", userNamespace),
  oneValue("ipc", only(["private", "", "shareable", "none"], ownNamespace)),
  oneValue("pid", only(["private", ""], ownNamespace)),
  oneValue("uts", only(["private", ""], ownNamespace)),
  manyValues("gpus", without("name the nodes in [[devices]]: /dev/dri/renderD128, /dev/nvidia0…")),
  manyValues(
    "group-add",
    without("groups are those of the image's /etc/group; write USER:GROUP as user"),
  ),
  oneValue("umask", without("set it in the program's own start script")),
  oneValue("personality", nspawnKey("Personality=")),
  flag("passwd", harmless("users are those of the image's /etc/passwd")),
  oneValue("passwd-entry", passwd),
  oneValue("group-entry", passwd),
  manyValues("hostuser", passwd),
  manyValues("chrootdirs", without("systemd-nspawn has no such setting")),
  flag("use-api-socket", without("there is no daemon whose socket it could be")),
];

const environment: readonly RunOption[] = [
  flag(
    "env-host",
    without("variables of whoever calls podman are not taken over; write them under [env]"),
  ),
  manyValues("env-merge", without("write the whole value under [env]"), { hides: "assigned" }),
  manyValues(
    "unsetenv",
    without("the image's variable stays; set it to what the program takes for none"),
  ),
  flag(
    "unsetenv-all",
    without("the image's variables stay; set them to what the program takes for none"),
  ),
  flag(
    "http-proxy",
    without("variables of whoever calls podman are not taken over; write them under [env]"),
  ),
  oneValue("tz", without("set TZ under [env], or Timezone= under [Exec] of container.nspawn")),
];

const lifecycle: readonly RunOption[] = [
  flag("rm", without("a machine stays when its program has ended: mbctl machines remove MACHINE")),
  flag("rmi", image),
  flag("replace", without("mbctl machines apply changes a machine that is there")),
  oneValue("health-startup-cmd", checksAtStart),
  oneValue("health-startup-interval", checksAtStart),
  oneValue("health-startup-retries", checksAtStart),
  oneValue("health-startup-success", checksAtStart),
  oneValue("health-startup-timeout", checksAtStart),
  oneValue("health-start-interval", without("the check has one interval")),
  oneValue("health-log-destination", healthLog),
  oneValue("health-max-log-count", healthLog),
  oneValue("health-max-log-size", healthLog),
  oneValue("pod", pods),
  oneValue("pod-id-file", pods),
  manyValues("volumes-from", without("give both machines the same path of the host")),
  oneValue(
    "volume-driver",
    without("mbctl mounts no file systems; mount it on the host, and give its path"),
  ),
  oneValue(
    "image-volume",
    only(
      ["anonymous", "bind", ""],
      "each volume of the image gets a choice: config, data, a path or skip",
    ),
  ),
  oneValue("sdnotify", only(["conmon", "ignore"], "a machine is up when its health check says so")),
  oneValue("systemd", only(["true", "false"], "man8s-init runs the program, not systemd")),
  manyValues("annotation", without("write it as a label")),
  oneValue("runtime", without("systemd-nspawn runs all machines")),
  oneValue("isolation", windows),
  flag("rootfs", without("a machine is made of an image")),
  oneValue(
    "log-driver",
    only(
      ["journald", "json-file", "k8s-file", "local", ""],
      "the journal has all that a machine says: mbctl machines logs MACHINE",
    ),
  ),
  manyValues(
    "log-opt",
    without("the journal has all that a machine says; its sizes are in journald.conf(5)"),
  ),
  oneValue("cidfile", files),
  oneValue("pidfile", files),
  oneValue("conmon-pidfile", files),
];

const download: readonly RunOption[] = [
  oneValue("pull", pulling),
  flag("quiet", pulling, { short: "q" }),
  oneValue("retry", pulling),
  oneValue("retry-delay", pulling),
  oneValue("authfile", registry),
  oneValue("cert-dir", without("skopeo looks for certificates in /etc/containers/certs.d")),
  oneValue("creds", without("log in first: skopeo login REGISTRY"), { hides: "all" }),
  manyValues("decryption-key", without("mbctl reads no encrypted images"), { hides: "all" }),
  oneValue("signature-policy", without("the host's /etc/containers/policy.json holds")),
  {
    name: "tls-verify",
    takesValue: false,
    repeats: false,
    convert(draft, given) {
      if (given.value === "false") registry(draft, given);
    },
  },
  flag("disable-content-trust", docker),
  oneValue("platform", platform),
  oneValue("arch", platform, { aliases: ["override-arch"] }),
  oneValue("os", platform, { aliases: ["override-os"] }),
  oneValue("variant", platform, { aliases: ["override-variant"] }),
];

const session: readonly RunOption[] = [
  flag("detach", harmless("machines always run in the background"), { short: "d" }),
  flag("interactive", terminal, { short: "i" }),
  flag("tty", terminal, { short: "t" }),
  manyValues("attach", terminal, { short: "a" }),
  oneValue("detach-keys", terminal),
  flag("sig-proxy", harmless("signals come from systemd: mbctl machines stop MACHINE")),
  flag("init", harmless("systemd-nspawn's own process 1 reaps, and passes signals on")),
  oneValue("init-path", harmless("systemd-nspawn's own process 1 reaps, and passes signals on")),
  oneValue("preserve-fds", without("no file descriptors of yours reach a machine")),
  manyValues("preserve-fd", without("no file descriptors of yours reach a machine")),
];

/** Options that machine.toml has no key for. */
export const otherOptions: readonly RunOption[] = [
  ...network,
  ...limits,
  ...security,
  ...environment,
  ...lifecycle,
  ...download,
  ...session,
];
