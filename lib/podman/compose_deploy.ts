/**
 * The key `deploy` of a service (compose-spec, deploy.md).
 *
 * @module
 */

import type { Service } from "./compose_file.ts";
import { unsupported } from "./draft.ts";
import { assignments, below, type Place, tableOf, textOf, type YamlValue } from "./yaml_value.ts";

const swarm = "it is for a cluster; a machine is one, on one host";

/** Its limits and its restart policy are a machine's; the rest is for a cluster. */
export function convertDeploy(service: Service, value: YamlValue, place: Place): void {
  const { resources, restart_policy, labels, replicas, ...rest } = tableOf(value, place);
  const { limits, reservations } = tableOf(resources, below(place, "resources"));
  const limitsPlace = below(below(place, "resources"), "limits");
  const { cpus, memory, pids, ...more } = tableOf(limits, limitsPlace);
  for (const [option, limit] of Object.entries({ cpus, memory, "pids-limit": pids })) {
    if (limit !== undefined) service.give(option, textOf(limit, limitsPlace), below(place, option));
  }
  const lost = [
    ...Object.keys(rest),
    ...Object.keys(more).map((key) => `resources.limits.${key}`),
  ].filter((key) => !key.startsWith("x-"));
  for (const key of lost) unsupported(service.draft, `deploy.${key}`, swarm);
  for (const key of Object.keys(tableOf(reservations, place))) {
    unsupported(service.draft, `deploy.resources.reservations.${key}`, reserved(key));
  }
  if (replicas !== undefined && textOf(replicas, place) !== "1") {
    unsupported(service.draft, `deploy.replicas: ${textOf(replicas, place)}`, swarm);
  }
  for (const text of assignments(labels, below(place, "labels")))
    service.give("label", text, place);
  convertRestartPolicy(service, restart_policy, below(place, "restart_policy"));
}

function reserved(key: string): string {
  if (key === "memory")
    return "write MemoryLow= into a drop-in: systemctl edit systemd-nspawn@MACHINE.service";
  if (key === "devices") return "name the nodes in [[devices]]: /dev/dri/renderD128, /dev/nvidia0…";
  return swarm;
}

function convertRestartPolicy(service: Service, value: YamlValue | undefined, place: Place): void {
  const { condition, max_attempts, ...rest } = tableOf(value, place);
  for (const [key, text] of Object.entries(rest)) {
    unsupported(
      service.draft,
      `deploy.restart_policy.${key}: ${textOf(text, place)}`,
      "write RestartSec= or StartLimitIntervalSec= into a drop-in: systemctl edit systemd-nspawn@MACHINE.service",
    );
  }
  if (value === undefined) return;
  const when = condition === undefined ? "any" : textOf(condition, place);
  const policies: Readonly<Record<string, string>> = {
    none: "no",
    "on-failure": "on-failure",
    any: "always",
  };
  const policy = policies[when] ?? when;
  const attempts =
    policy === "on-failure" && max_attempts !== undefined ? `:${textOf(max_attempts, place)}` : "";
  if (attempts === "" && max_attempts !== undefined) {
    unsupported(
      service.draft,
      `deploy.restart_policy.max_attempts: ${textOf(max_attempts, place)}`,
      "attempts are counted with on-failure alone",
    );
  }
  service.give("restart", `${policy}${attempts}`, place);
}
