/**
 * Keys of `[Container]` (podman-container.unit(5)), most of them as the run options that they are.
 *
 * @module
 */

/** How a key's values become options. */
export interface QuadletKey {
  /** The run option; undefined for one that `quadlet.ts` reads itself. */
  readonly option?: string;
  /** "line": each value is one; "words": each of its words is one; "switch": yes or no. */
  readonly form: "line" | "words" | "switch";
  /** What stands before the value: `seccomp=`. */
  readonly before?: string;
  /** Why it has no equivalent, where no option says it. */
  readonly reason?: string;
}

const line = (option: string, before = ""): QuadletKey => ({ option, form: "line", before });
const words = (option: string): QuadletKey => ({ option, form: "words" });
const whether = (option: string): QuadletKey => ({ option, form: "switch" });
const none = (reason: string): QuadletKey => ({ form: "line", reason });
const own: QuadletKey = { form: "line" };

const remap = none("systemd-nspawn picks the user namespace of each machine by itself");
const reload = none(
  "systemctl reload means nothing to a machine: mbctl machines shell MACHINE -- COMMAND",
);

/** All keys that podman 5 knows. */
export const quadletKeys: Readonly<Record<string, QuadletKey>> = {
  Image: own,
  ContainerName: own,
  Exec: own,
  User: own,
  Group: own,
  PodmanArgs: own,
  AddDevice: own,
  EnvironmentFile: line("env-file"),
  Environment: words("env"),
  AddCapability: words("cap-add"),
  AddHost: line("add-host"),
  Annotation: words("annotation"),
  AppArmor: line("security-opt", "apparmor="),
  AutoUpdate: none("mbctl machines upgrade has a timer of its own"),
  CgroupsMode: line("cgroups"),
  ContainersConfModule: none("it is podman's own"),
  DNS: line("dns"),
  DNSOption: line("dns-option"),
  DNSSearch: line("dns-search"),
  DropCapability: words("cap-drop"),
  Entrypoint: line("entrypoint"),
  EnvironmentHost: whether("env-host"),
  ExposeHostPort: line("expose"),
  GIDMap: line("gidmap"),
  GlobalArgs: none("it is podman's own"),
  GroupAdd: line("group-add"),
  HealthCmd: line("health-cmd"),
  HealthInterval: line("health-interval"),
  HealthLogDestination: line("health-log-destination"),
  HealthMaxLogCount: line("health-max-log-count"),
  HealthMaxLogSize: line("health-max-log-size"),
  HealthOnFailure: line("health-on-failure"),
  HealthRetries: line("health-retries"),
  HealthStartPeriod: line("health-start-period"),
  HealthStartupCmd: line("health-startup-cmd"),
  HealthStartupInterval: line("health-startup-interval"),
  HealthStartupRetries: line("health-startup-retries"),
  HealthStartupSuccess: line("health-startup-success"),
  HealthStartupTimeout: line("health-startup-timeout"),
  HealthTimeout: line("health-timeout"),
  HostName: line("hostname"),
  HttpProxy: whether("http-proxy"),
  IP: line("ip"),
  IP6: line("ip6"),
  ImageVolume: line("image-volume"),
  Label: words("label"),
  LogDriver: line("log-driver"),
  LogOpt: line("log-opt"),
  Mask: line("security-opt", "mask="),
  Memory: line("memory"),
  Mount: line("mount"),
  Network: line("network"),
  NetworkAlias: line("network-alias"),
  NoNewPrivileges: own,
  Notify: own,
  PidsLimit: line("pids-limit"),
  Pod: line("pod"),
  PublishPort: line("publish"),
  Pull: line("pull"),
  ReadOnly: whether("read-only"),
  ReadOnlyTmpfs: whether("read-only-tmpfs"),
  ReloadCmd: reload,
  ReloadSignal: reload,
  RemapGid: remap,
  RemapUid: remap,
  RemapUidSize: remap,
  RemapUsers: remap,
  Retry: line("retry"),
  RetryDelay: line("retry-delay"),
  Rootfs: none("a machine is made of an image"),
  RunInit: whether("init"),
  SeccompProfile: line("security-opt", "seccomp="),
  Secret: line("secret"),
  SecurityLabelDisable: line("security-opt", "label="),
  SecurityLabelFileType: line("security-opt", "label=filetype:"),
  SecurityLabelLevel: line("security-opt", "label=level:"),
  SecurityLabelNested: line("security-opt", "label="),
  SecurityLabelType: line("security-opt", "label=type:"),
  ServiceName: none("the unit of a machine is systemd-nspawn@MACHINE.service"),
  ShmSize: line("shm-size"),
  StartWithPod: none("there are no pods: machines of a host reach each other by name"),
  StopSignal: line("stop-signal"),
  StopTimeout: line("stop-timeout"),
  SubGIDMap: line("subgidname"),
  SubUIDMap: line("subuidname"),
  Sysctl: words("sysctl"),
  Timezone: line("tz"),
  Tmpfs: line("tmpfs"),
  UIDMap: line("uidmap"),
  Ulimit: line("ulimit"),
  Umask: line("umask"),
  Unmask: line("security-opt", "unmask="),
  UserNS: line("userns"),
  VolatileTmp: none("systemd-nspawn keeps /run and /tmp in memory anyway"),
  Volume: line("volume"),
  WorkingDir: line("workdir"),
};
