/**
 * `--volume`, `--mount` and `--tmpfs` (podman-run(1)) as volumes of a machine.
 *
 * @module
 */

import { isAbsolute, join, normalize } from "node:path";
import { usageError } from "../errors.ts";
import type { Volume } from "../spec/machine_spec.ts";
import { parseMemorySize } from "../spec/memory_size.ts";
import { parseMount } from "../spec/volume.ts";
import { addVolume, type Draft, note, unsupported } from "./draft.ts";
import type { Given } from "./run_option.ts";

/** Options that say what is so anyway. */
const usual = ["rw", "rbind", "bind", "private", "rprivate", "copy"];

const relabelling =
  "mbctl sets no SELinux labels; where SELinux is at work, label the folder yourself";
const owners = "mbctl maps owners by itself; a folder that it makes gets owner = of [[volumes]]";

/** Why an option of a volume is lost. */
const lost: Readonly<Record<string, string>> = {
  z: relabelling,
  Z: relabelling,
  relabel: relabelling,
  U: owners,
  chown: owners,
  idmap: "mbctl maps owners by itself",
  O: "there are no overlays over a host's folder; use kind = \"data\", which begins as a copy of the image's",
  nocopy: "a new volume begins as a copy of what the image holds there",
  "volume-nocopy": "a new volume begins as a copy of what the image holds there",
  subpath: "a volume is bound as a whole; name the folder below it as a path of the host",
  "volume-subpath": "a volume is bound as a whole; name the folder below it as a path of the host",
  "volume-opt": "mbctl mounts no file systems; mount it on the host, and give its path",
  consistency: "it means nothing on Linux",
};

/** What systemd-nspawn mounts by itself, and man8s-init works in. */
const machinesOwn = /^\/(proc|sys|man8s-init|man8env\.env)(\/|$)|^\/(run|dev|var\/run)$/;

const mountFlags = "systemd-nspawn sets no such flag on a mount";

/** `--volume [SOURCE:]/IN[:OPTIONS]`. */
export function convertVolume(draft: Draft, given: Given): void {
  const { value } = given;
  const parts = value.split(":");
  const [first = ""] = parts;
  if (parts.length === 1) {
    placeVolume(draft, given, undefined, first, []);
    return;
  }
  const [source = "", path = "", options, ...rest] = parts;
  if (rest.length > 0 || source === "") throw noVolume(value, "it is not SOURCE:/IN[:OPTIONS]");
  // An anonymous volume with options: `/data:ro` has no second path.
  if (parts.length === 2 && !path.startsWith("/")) {
    if (!source.startsWith("/")) throw noVolume(value, "the path in the machine is not absolute");
    placeVolume(draft, given, undefined, source, path.split(","));
    return;
  }
  if (!path.startsWith("/")) throw noVolume(value, "the path in the machine is not absolute");
  placeVolume(draft, given, source, path, options?.split(",") ?? []);
}

/** `--mount type=bind|volume|tmpfs,source=…,destination=…,…`. */
export function convertMount(draft: Draft, given: Given): void {
  const { value, written } = given;
  const facts = new Map<string, string>();
  const flags: string[] = [];
  for (const field of value.split(",")) {
    const at = field.indexOf("=");
    if (at < 0) flags.push(field);
    else facts.set(field.slice(0, at), field.slice(at + 1));
  }
  const take = (...names: readonly string[]) => {
    const found = names.filter((name) => facts.has(name));
    const values = found.map((name) => facts.get(name) ?? "");
    for (const name of found) facts.delete(name);
    return values.at(-1);
  };
  const type = take("type") ?? "volume";
  const source = take("src", "source");
  const path = take("dst", "destination", "target", "dest");
  if (path === undefined || !path.startsWith("/")) {
    throw noVolume(value, "it has no absolute destination");
  }
  const isOn = (text: string | undefined) => text === "true" || text === "1";
  const isReadOnly =
    isOn(take("ro", "readonly")) || flags.includes("ro") || flags.includes("readonly");
  const propagation = take("bind-propagation") ?? "rprivate";
  const mode = take("tmpfs-mode");
  const size = take("tmpfs-size");
  const isSet = (name: string) => !/^(false|0)$/.test(facts.get(name) ?? "");
  const more = [
    ...flags.filter((name) => name !== "readonly"),
    ...[...facts.keys()].filter(isSet),
    propagation,
  ];
  switch (type) {
    case "tmpfs":
    case "ramfs": {
      const words = [...more, ...(isReadOnly ? ["ro"] : [])].filter((word) => word !== "rprivate");
      const options = [`size=${size ?? ""}`, `mode=${mode ?? ""}`].filter((o) => !o.endsWith("="));
      convertTmpfs(draft, {
        ...given,
        value: `${path}:${[...words, ...options].join(",")}`,
      });
      return;
    }
    case "bind":
    case "volume": {
      if (type === "bind" && source === undefined) throw noVolume(value, "a bind has no source");
      if (type === "volume" && source?.startsWith("/") === true) {
        throw noVolume(value, "the source of a volume is a name");
      }
      placeVolume(draft, given, source, path, isReadOnly ? [...more, "ro"] : more);
      return;
    }
    default:
      unsupported(draft, written, `there are no mounts of type ${type}`);
  }
}

/** `--tmpfs /IN[:OPTIONS]` (tmpfs(5)). */
export function convertTmpfs(draft: Draft, { value, written }: Given): void {
  const [path = "", ...rest] = value.split(":");
  const options = rest.join(":").split(",");
  const inside = insidePath(value, path);
  if (machinesOwn.test(inside)) {
    note(draft, written, `systemd-nspawn keeps ${inside} in memory anyway`);
    return;
  }
  // podman and Docker let everybody write to it; systemd-nspawn would not.
  let volume: Volume = { path: inside, kind: "tmpfs", mode: 0o1777 };
  for (const option of options) {
    const [name = "", text = ""] = option.split("=");
    if (name === "" || name === "rw" || name === "tmpcopyup") continue;
    if (name === "size" && /^\d/.test(text) && !text.endsWith("%")) {
      volume = { ...volume, sizeBytes: parseMemorySize(text) };
    } else if (name === "mode" && /^[0-7]{3,4}$/.test(text)) {
      volume = { ...volume, mode: Number.parseInt(text, 8) };
    } else {
      unsupported(draft, `${written}, ${option}`, tmpfsReason(name));
    }
  }
  addVolume(draft, volume);
}

/** `--shm-size`: /dev/shm as a volume of its own; 0 is no limit. */
export function convertShmSize(draft: Draft, { value }: Given): void {
  if (/^0+[bkmg]?$/i.test(value)) return;
  const sizeBytes = parseMemorySize(value);
  addVolume(draft, { path: "/dev/shm", kind: "tmpfs", sizeBytes, mode: 0o1777 });
}

/** podman's `--read-only` leaves /var/tmp writable, beside what systemd-nspawn does too. */
export function keepPodmansTmpfs(draft: Draft): void {
  const path = "/var/tmp";
  const isOther = draft.volumes.some((volume) => volume.path === path);
  if (!draft.app.isReadOnly || !draft.hasReadOnlyTmpfs || isOther) return;
  addVolume(draft, { path, kind: "tmpfs", mode: 0o1777 });
  note(draft, "--read-only", `as in podman, ${path} is in memory; /run and /tmp are so anyway`);
}

function tmpfsReason(name: string): string {
  if (name === "ro") return "a tmpfs that nobody can write to is of no use";
  if (name === "size") return "the size must be in bytes: size=64m";
  if (name === "uid" || name === "gid") return "it belongs to root; mode=1777 lets everybody write";
  return mountFlags;
}

function placeVolume(
  draft: Draft,
  given: Given,
  source: string | undefined,
  path: string,
  options: readonly string[],
): void {
  const { value, written, tools } = given;
  const inside = insidePath(value, path);
  if (machinesOwn.test(inside)) {
    unsupported(draft, written, `the machine needs what is at ${inside}`);
    return;
  }
  for (const option of options) {
    if (option === "" || option === "ro" || usual.includes(option)) continue;
    const [name = ""] = option.split("=");
    unsupported(draft, `${written}, ${option}`, lost[name] ?? mountFlags);
  }
  const isReadOnly = options.includes("ro") ? { isReadOnly: true } : {};
  if (source === undefined || !/^[/.~]/.test(source)) {
    if (source !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(source)) {
      throw noVolume(value, `${JSON.stringify(source)} is neither a path nor the name of a volume`);
    }
    const what = source === undefined ? "a volume without a name" : `the volume ${source}`;
    note(
      draft,
      written,
      `${what} becomes kind = "data", and begins with what the image holds there`,
    );
    if (source !== undefined) draft.namedVolumes.push(source);
    addVolume(draft, { path: inside, kind: "data", ...isReadOnly });
    return;
  }
  if (source.startsWith("~")) throw noVolume(value, "a shell would expand ~");
  const from = isAbsolute(source) ? normalize(source) : join(tools.directory, source);
  if (isFile(from, tools.kindOf(from))) {
    const key = options.includes("ro") ? "BindReadOnly" : "Bind";
    unsupported(
      draft,
      written,
      `volumes are folders; for a file or socket write ${key}=${from}:${inside}:idmap under [Files] of container.nspawn`,
    );
    return;
  }
  addVolume(draft, { ...parseMount(`${inside}=${from}`), ...isReadOnly });
}

/** What is there now decides; for what is not, its name, and the files that everybody binds. */
function isFile(path: string, kind: "folder" | "other" | undefined): boolean {
  if (kind !== undefined) return kind === "other";
  return (
    /^\/etc\/(localtime|timezone|hosts|passwd|group)$/.test(path) ||
    /\.(sock|conf|cnf|cfg|ini|ya?ml|toml|json|xml|env|properties|sh|sql|pem|crt|key)$/.test(path)
  );
}

function insidePath(value: string, path: string): string {
  if (!path.startsWith("/")) throw noVolume(value, "the path in the machine is not absolute");
  const clean = normalize(path).replace(/(.)\/$/, "$1");
  if (clean === "/") throw noVolume(value, "the machine's whole file system cannot be a volume");
  return clean;
}

function noVolume(value: string, state: string) {
  return usageError(
    `Cannot use the volume ${JSON.stringify(value)}: ${state}`,
    "write /HOST/PATH:/IN[:ro] or NAME:/IN",
  );
}
