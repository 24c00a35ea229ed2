/**
 * The keys of a service (compose-spec, 05-services.md), most of them as the run options that they are.
 *
 * @module
 */

import { didYouMean } from "../cli/suggest.ts";
import { usageError } from "../errors.ts";
import { parseDuration } from "../spec/duration.ts";
import { convertDeploy } from "./compose_deploy.ts";
import { convertDevices, convertPorts, convertServiceVolumes } from "./compose_entries.ts";
import type { Service } from "./compose_file.ts";
import {
  convertDependsOn,
  convertEnvFiles,
  convertHealthcheck,
  convertLinks,
  convertNetworks,
  convertSecrets,
} from "./compose_relations.ts";
import { note, unsupported } from "./draft.ts";
import { splitShellWords } from "./shell_words.ts";
import {
  assignments,
  below,
  isTrue,
  type Place,
  tableOf,
  textOf,
  textsOf,
  type YamlTable,
  type YamlValue,
} from "./yaml_value.ts";

type ConvertKey = (service: Service, value: YamlValue, place: Place) => void;

/** A key that is a run option of one value. */
const one =
  (option: string): ConvertKey =>
  (service, value, place) =>
    service.give(option, textOf(value, place), place);
/** A key that is a run option for each of its texts. */
const each =
  (option: string): ConvertKey =>
  (service, value, place) => {
    for (const text of textsOf(value, place)) service.give(option, text, place);
  };
/** A key that is a switch. */
const whenTrue =
  (option: string): ConvertKey =>
  (service, value, place) => {
    if (isTrue(value, place)) service.give(option, "true", place);
  };
/** A key of assignments, as a list or a table. */
const assigned =
  (option: string, sign = "="): ConvertKey =>
  (service, value, place) => {
    for (const text of assignments(value, place)) {
      service.give(option, text.replace("=", sign), place);
    }
  };
/** A key without an equivalent. */
const none =
  (reason: string): ConvertKey =>
  (service, _, place) =>
    unsupported(service.draft, lastKey(place), reason);
const nothing: ConvertKey = () => undefined;

/** In this order, whatever the file's: what stands in `env_file` gives way to `environment`. */
const keys: Readonly<Record<string, ConvertKey>> = {
  image: nothing,
  profiles: nothing,
  build: none(
    "images are not built here: podman build, podman save, and name oci-archive:FILE as image",
  ),
  extends: none("write the keys of the other service here"),
  container_name(service, value, place) {
    const name = textOf(value, place);
    if (name !== service.name) {
      note(
        service.draft,
        `container_name: ${name}`,
        "the machine is called as the service, by which the others know it",
      );
    }
  },
  env_file: convertEnvFiles,
  environment: assigned("env"),
  entrypoint: (service, value, place) => {
    if (value !== null) service.draft.app.entrypoint = wordsOf(value, place);
  },
  command: (service, value, place) => {
    if (value !== null) service.draft.app.args = wordsOf(value, place);
  },
  user: one("user"),
  working_dir: one("workdir"),
  label_file: each("label-file"),
  labels: assigned("label"),
  restart: one("restart"),
  stop_signal: one("stop-signal"),
  stop_grace_period(service, value, place) {
    const seconds = Math.ceil(parseDuration(textOf(value, place)) / 1000);
    service.give("stop-timeout", String(seconds), place);
  },
  depends_on: convertDependsOn,
  links: convertLinks,
  healthcheck: convertHealthcheck,
  secrets: convertSecrets,

  network_mode(service, value, place) {
    const mode = textOf(value, place);
    if (mode.startsWith("service:")) {
      unsupported(
        service.draft,
        `network_mode: ${mode}`,
        "a machine has a network of its own, or its host's",
      );
    } else service.give("network", mode, place);
  },
  networks: convertNetworks,
  ports: convertPorts,
  expose: each("expose"),

  volumes: convertServiceVolumes,
  tmpfs: each("tmpfs"),
  volumes_from: each("volumes-from"),
  configs: none("write it as a volume of kind config, or a file of the host"),

  deploy: convertDeploy,
  scale(service, value, place) {
    const count = textOf(value, place);
    if (count === "1") return;
    unsupported(service.draft, `scale: ${count}`, "a machine is one: copy it under another name");
  },
  mem_limit: one("memory"),
  cpus: one("cpus"),
  cpu_quota: one("cpu-quota"),
  cpu_period: one("cpu-period"),
  pids_limit: one("pids-limit"),
  ulimits(service, value, place) {
    for (const [name, limit] of Object.entries(tableOf(value, place))) {
      const at = below(place, name);
      const isPlain = typeof limit === "string";
      const { soft, hard } = isPlain ? { soft: limit, hard: limit } : tableOf(limit, at);
      service.give("ulimit", `${name}=${textOf(soft, at)}:${textOf(hard ?? soft, at)}`, place);
    }
  },
  blkio_config(service, value, place) {
    const { weight, ...rest } = tableOf(value, place);
    if (weight !== undefined)
      service.give("blkio-weight", textOf(weight, below(place, "weight")), place);
    for (const key of Object.keys(rest))
      service.give(blkioOptions[key] ?? "blkio-weight-device", "", below(place, key));
  },
  mem_reservation: one("memory-reservation"),
  memswap_limit: one("memory-swap"),
  mem_swappiness: one("memory-swappiness"),
  cpu_shares: one("cpu-shares"),
  cpuset: one("cpuset-cpus"),
  cpu_rt_runtime: one("cpu-rt-runtime"),
  cpu_rt_period: one("cpu-rt-period"),
  cpu_count: one("cpu-count"),
  cpu_percent: one("cpu-percent"),
  shm_size: one("shm-size"),
  oom_kill_disable: whenTrue("oom-kill-disable"),
  oom_score_adj: one("oom-score-adj"),
  cgroup: one("cgroupns"),
  cgroup_parent: one("cgroup-parent"),
  storage_opt: assigned("storage-opt"),

  cap_add: each("cap-add"),
  cap_drop: each("cap-drop"),
  read_only: whenTrue("read-only"),
  devices: convertDevices,
  device_cgroup_rules: each("device-cgroup-rule"),
  gpus: (service, _, place) => service.give("gpus", "", place),
  privileged: whenTrue("privileged"),
  security_opt: each("security-opt"),
  sysctls: assigned("sysctl"),
  userns_mode: one("userns"),
  group_add: each("group-add"),
  ipc: one("ipc"),
  pid: one("pid"),
  uts: one("uts"),
  isolation: one("isolation"),
  runtime: one("runtime"),
  use_api_socket: whenTrue("use-api-socket"),
  credential_spec: none("it is for Windows alone"),

  hostname: one("hostname"),
  domainname: one("domainname"),
  extra_hosts: assigned("add-host", ":"),
  external_links: each("link"),
  dns: each("dns"),
  dns_opt: each("dns-option"),
  dns_search: each("dns-search"),
  mac_address: one("mac-address"),

  init: whenTrue("init"),
  tty: whenTrue("tty"),
  stdin_open: whenTrue("interactive"),
  attach: (service, _, place) =>
    note(service.draft, lastKey(place), "the journal has all that a machine says"),
  logging(service, value, place) {
    const { driver, options } = tableOf(value, place);
    if (driver !== undefined)
      service.give("log-driver", textOf(driver, below(place, "driver")), place);
    for (const text of assignments(options, below(place, "options")))
      service.give("log-opt", text, place);
  },
  annotations: assigned("annotation"),
  platform: one("platform"),
  pull_policy: one("pull"),
  develop: none("it is for the work on an image"),
  post_start: none("mbctl runs nothing in a machine when it has started"),
  pre_stop: none("mbctl runs nothing in a machine before it stops"),
  provider: none("it is no container"),
  models: none("it is no container"),
};

const blkioOptions: Readonly<Record<string, string>> = {
  weight_device: "blkio-weight-device",
  device_read_bps: "device-read-bps",
  device_read_iops: "device-read-iops",
  device_write_bps: "device-write-bps",
  device_write_iops: "device-write-iops",
};

/**
 * Writes to the draft what becomes of a service's keys.
 *
 * @throws {MbctlError} (usage) for a key that there is not, and for values that cannot be read.
 */
export function convertServiceKeys(service: Service, table: YamlTable, place: Place): void {
  for (const key of Object.keys(table)) {
    if (key in keys || key.startsWith("x-")) continue;
    throw usageError(
      `Cannot convert ${JSON.stringify(place.file)}: ${place.path} has an unknown key ${JSON.stringify(key)}`,
      didYouMean(key, Object.keys(keys)),
    );
  }
  for (const [key, convert] of Object.entries(keys)) {
    const value = table[key];
    if (value !== undefined) convert(service, value, below(place, key));
  }
}

function lastKey({ path }: Place): string {
  return path.split(".").at(-1) ?? path;
}

/** A command: words, or a text that is split as a shell would. */
function wordsOf(value: YamlValue, place: Place): string[] {
  return typeof value === "string" ? splitShellWords(value, "value") : textsOf(value, place);
}
