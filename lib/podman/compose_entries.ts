/**
 * Entries of a service that may be a text or a table: ports, volumes, devices.
 *
 * @module
 */

import type { Service } from "./compose_file.ts";
import { unsupported } from "./draft.ts";
import {
  below,
  isTrue,
  listOf,
  type Place,
  tableOf,
  textOf,
  unexpected,
  type YamlTable,
  type YamlValue,
} from "./yaml_value.ts";

/** `ports`. */
export function convertPorts(service: Service, value: YamlValue, place: Place): void {
  listOf(value, place).forEach((entry, index) => {
    const at = below(place, index);
    if (typeof entry === "string") {
      service.give("publish", entry, place);
      return;
    }
    const { target, published, host_ip, protocol, mode, name, app_protocol, ...rest } = tableOf(
      entry,
      at,
    );
    requireNoMore(rest, at);
    if (mode !== undefined && mode !== "host" && mode !== "ingress")
      throw unexpected(below(at, "mode"), "a mode");
    // The names are for people; mbctl shows the ports alone.
    for (const [key, text] of Object.entries({ name, app_protocol })) {
      if (text !== undefined)
        unsupported(
          service.draft,
          `ports.${key}: ${textOf(text, at)}`,
          "a published port has no name",
        );
    }
    const address = host_ip === undefined ? "" : textOf(host_ip, at);
    const host = published === undefined ? "" : textOf(published, at);
    const before =
      address === "" ? host : `${address.includes(":") ? `[${address}]` : address}:${host}`;
    const port = `${before === "" ? "" : `${before}:`}${textOf(target, below(at, "target"))}`;
    service.give(
      "publish",
      protocol === undefined ? port : `${port}/${textOf(protocol, at)}`,
      place,
    );
  });
}

/** `volumes`. */
export function convertServiceVolumes(service: Service, value: YamlValue, place: Place): void {
  listOf(value, place).forEach((entry, index) => {
    const at = below(place, index);
    if (typeof entry === "string") {
      service.give("volume", entry, place);
      return;
    }
    const { type, source, target, read_only, bind, volume, tmpfs, consistency, ...rest } = tableOf(
      entry,
      at,
    );
    requireNoMore(rest, at);
    const kind = textOf(type, below(at, "type"));
    const from = source === undefined ? undefined : textOf(source, below(at, "source"));
    const fields = [
      `type=${kind}`,
      ...(from === undefined ? [] : [`source=${from}`]),
      `destination=${textOf(target, below(at, "target"))}`,
    ];
    if (fields.some((field) => field.includes(",")))
      throw unexpected(at, "a volume without commas");
    if (isTrue(read_only, at)) fields.push("ro");
    const { selinux, propagation, create_host_path, recursive, ...other } = tableOf(bind, at);
    if (selinux !== undefined) fields.push(textOf(selinux, at));
    for (const key of [propagation, recursive]) if (key !== undefined) fields.push(textOf(key, at));
    // mbctl makes a folder that is not there, whether it is asked to or not.
    if (create_host_path !== undefined && !isTrue(create_host_path, at))
      fields.push("create_host_path");
    const { nocopy, subpath, labels: _, ...own } = tableOf(volume, at);
    if (isTrue(nocopy, at)) fields.push("nocopy");
    if (subpath !== undefined) fields.push(`subpath=${textOf(subpath, at)}`);
    const { size, mode, ...tmpfsRest } = tableOf(tmpfs, at);
    if (size !== undefined) fields.push(`tmpfs-size=${textOf(size, at)}`);
    if (mode !== undefined) fields.push(`tmpfs-mode=${textOf(mode, at)}`);
    if (consistency !== undefined) fields.push(`consistency=${textOf(consistency, at)}`);
    requireNoMore({ ...other, ...own, ...tmpfsRest }, at);
    service.give("mount", fields.join(","), place);
  });
}

/** `devices`. */
export function convertDevices(service: Service, value: YamlValue, place: Place): void {
  listOf(value, place).forEach((entry, index) => {
    const at = below(place, index);
    if (typeof entry === "string") {
      service.give("device", entry, place);
      return;
    }
    const { source, target, permissions, ...rest } = tableOf(entry, at);
    requireNoMore(rest, at);
    const parts = [source, target, permissions].filter((part) => part !== undefined);
    service.give("device", parts.map((part) => textOf(part, at)).join(":"), place);
  });
}

function requireNoMore(table: YamlTable, place: Place): void {
  const [key] = Object.keys(table).filter((name) => !name.startsWith("x-"));
  if (key !== undefined) throw unexpected(below(place, key), "a key that is known there");
}
