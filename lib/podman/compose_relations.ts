/**
 * Keys of a service that name something else: files of variables, other services, secrets, networks; and its health check.
 *
 * @module
 */

import { isAbsolute, join } from "node:path";
import type { Service } from "./compose_file.ts";
import { readDotenv } from "./dotenv.ts";
import { note, unsupported } from "./draft.ts";
import { setHealthTest, turnOff } from "./health.ts";
import {
  below,
  isTrue,
  listOf,
  type Place,
  tableOf,
  textOf,
  textsOf,
  unexpected,
  type YamlValue,
} from "./yaml_value.ts";

/** `env_file`. */
export function convertEnvFiles(service: Service, value: YamlValue, place: Place): void {
  const entries = typeof value === "string" ? [value] : listOf(value, place);
  entries.forEach((entry, index) => {
    const at = below(place, index);
    const { path, required, format } =
      typeof entry === "string" ? { path: entry } : tableOf(entry, at);
    const name = textOf(path, at);
    const file = isAbsolute(name) ? name : join(service.tools.directory, name);
    if (
      required !== undefined &&
      !isTrue(required, at) &&
      service.tools.kindOf(file) === undefined
    ) {
      note(service.draft, `env_file: ${name}`, "there is no such file, and it is not required");
    } else if (format === "raw") {
      service.give("env-file", file, place);
    } else {
      const variables = readDotenv(service.tools.readText(file), name, service.variables);
      for (const { name: variable, value: text, missing } of variables) {
        service.give("env", text === undefined ? variable : `${variable}=${text}`, place);
        for (const lacking of missing) {
          unsupported(
            service.draft,
            `env_file: ${variable}`,
            `${lacking} has no value, and became nothing; single quotes around the value keep a dollar as it is`,
          );
        }
      }
    }
  });
}

/** `depends_on`. */
export function convertDependsOn(service: Service, value: YamlValue, place: Place): void {
  const isList = Array.isArray(value) || typeof value === "string";
  const names = isList ? textsOf(value, place) : Object.keys(tableOf(value, place));
  for (const name of names) {
    const at = below(place, name);
    service.depend(name, at);
    const facts = isList ? {} : tableOf(tableOf(value, place)[name], at);
    const written = (key: string) => `depends_on.${name}.${key}: ${textOf(facts[key], at)}`;
    if (facts.condition === "service_completed_successfully") {
      unsupported(
        service.draft,
        written("condition"),
        "depends waits for machines that run and are well",
      );
    }
    if (facts.condition === "service_started") {
      note(
        service.draft,
        written("condition"),
        "depends waits for its health check too, where there is one",
      );
    }
    if (isTrue(facts.restart, at)) {
      unsupported(
        service.draft,
        written("restart"),
        "systemd does not start this one again with the other",
      );
    }
    if (facts.required !== undefined && !isTrue(facts.required, at)) {
      unsupported(service.draft, written("required"), "a machine of depends must be there");
    }
  }
}

/** `links`. */
export function convertLinks(service: Service, value: YamlValue, place: Place): void {
  for (const text of textsOf(value, place)) {
    const [name = "", alias = name] = text.split(":");
    service.depend(name, place);
    if (alias !== name) {
      unsupported(service.draft, `links: ${text}`, `the other machine has one name: ${name}`);
    }
  }
}

/** `healthcheck`. */
export function convertHealthcheck(service: Service, value: YamlValue, place: Place): void {
  const { test, disable, ...times } = tableOf(value, place);
  if (typeof test === "string") setHealthTest(service.draft, ["CMD-SHELL", test]);
  else if (test !== undefined && test !== null)
    setHealthTest(service.draft, textsOf(test, below(place, "test")));
  for (const [key, time] of Object.entries(times)) {
    const option = healthOptions[key];
    const at = below(place, key);
    if (option === undefined) throw unexpected(at, "a key of a health check");
    service.give(option, textOf(time, at), at);
  }
  if (isTrue(disable, below(place, "disable"))) turnOff(service.draft);
}

const healthOptions: Readonly<Record<string, string>> = {
  interval: "health-interval",
  timeout: "health-timeout",
  retries: "health-retries",
  start_period: "health-start-period",
  start_interval: "health-start-interval",
};

/** `secrets`. */
export function convertSecrets(service: Service, value: YamlValue, place: Place): void {
  listOf(value, place).forEach((entry, index) => {
    const at = below(place, index);
    const { source, ...options } =
      typeof entry === "string" ? { source: entry } : tableOf(entry, at);
    // YAML writes octal numbers as 0o440.
    const fields = Object.entries(options).map(
      ([key, text]) => `${key}=${textOf(text, at).replace(/^0o/, "0")}`,
    );
    service.give("secret", [textOf(source, at), ...fields].join(","), place);
  });
}

/** `networks`. */
export function convertNetworks(service: Service, value: YamlValue, place: Place): void {
  const isList = Array.isArray(value);
  const names = isList ? textsOf(value, place) : Object.keys(tableOf(value, place));
  for (const name of names) {
    service.give("network", name, place);
    const facts = isList ? {} : tableOf(tableOf(value, place)[name], below(place, name));
    for (const [key, fact] of Object.entries(facts)) {
      const option = networkOptions[key];
      if (option !== undefined) {
        for (const text of textsOf(fact, below(place, key)))
          service.give(option, text, below(below(place, name), key));
      } else if (key !== "priority" && !key.startsWith("x-")) {
        unsupported(
          service.draft,
          `networks.${name}.${key}`,
          "the machines of a host share one network",
        );
      }
    }
  }
}

const networkOptions: Readonly<Record<string, string>> = {
  aliases: "network-alias",
  ipv4_address: "ip",
  ipv6_address: "ip6",
  link_local_ips: "link-local-ip",
  mac_address: "mac-address",
};
