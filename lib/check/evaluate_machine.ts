/**
 * Says of one machine how it stands, from its files to who may reach it. Pure: all facts come in as one value.
 *
 * @module
 */

import { formatIpv6 } from "../address/ipv6.ts";
import { firewallScript } from "../firewall/firewall_files.ts";
import { machineUnit } from "../spec/machine_name.ts";
import { formatIpv4, parseIpv4 } from "../network/ipv4.ts";
import { formatRelayPort } from "../network/relay_port.ts";
import { addFirewall } from "../nspawn/read_unit.ts";
import { howChanged } from "./drop_in.ts";
import { type Finding, found, ok } from "./finding.ts";
import { globalAddresses, lackingMeshRoutes, ownAddresses } from "./live_network.ts";
import { evaluateFiles, evaluatePlug } from "./machine_files.ts";
import type { LiveFacts, MachineFacts } from "./machine_facts.ts";
import { evaluateSecrets } from "./machine_secrets.ts";
import { describeListener, type Listener } from "./sockets.ts";
import {
  neverBegan,
  ofAnotherPrefix,
  publishedListeners,
  whyUnreachable,
} from "./why_unreachable.ts";

/** All findings, in the order in which they are told; the last says whether it can be reached. */
export function evaluateMachine(facts: MachineFacts): Finding[] {
  const { files, live, template } = facts;
  const kind = template?.network.kind;
  return [
    evaluateFiles(files, "files"),
    ...unit(facts),
    ...settings(facts),
    ...evaluateSecrets(files.name, facts.secrets),
    ...network(facts),
    ...(live === undefined ? [] : live.listeners.map((listener) => listening(listener, facts))),
    ...ports(facts),
    ...(kind === undefined ? [] : facts.access.map(access)),
    ...facts.unknownHosts.map(unknownHost),
    reachable(facts),
  ];
}

function unit(facts: MachineFacts): Finding[] {
  const { files, unit } = facts;
  const { name } = files;
  const { active, sub, result, exitStatus, restarts } = unit;
  const logs = `mbctl machines logs ${name} -n 20`;
  const again = restarts === 0 ? "" : `, started anew ${restarts} times`;
  const state = (): Finding => {
    if (active === "active") return ok("unit", `running${again}`);
    if (sub === "auto-restart") {
      return found("wrong", "unit", `ends again and again${again}: ${result}`, logs);
    }
    if (active === "failed" && facts.unit.failedBefore !== undefined) {
      const { why, mend } = neverBegan(facts.unit, name);
      return found("wrong", "unit", why, mend);
    }
    if (active === "failed") {
      const how = result === "exit-code" ? `exit code ${exitStatus}` : result;
      return found("wrong", "unit", `failed: ${how}${again}`, logs);
    }
    if (active === "inactive") {
      return found("note", "unit", "stopped", `mbctl machines start ${name}`);
    }
    return found("note", "unit", active);
  };
  return [state(), ...unitSettings(facts)];
}

function unitSettings(facts: MachineFacts): Finding[] {
  const { files, unit, dropIn, renderedDropIn, template, bridge } = facts;
  const check = "unit settings";
  const service = machineUnit(files.name);
  if (unit.needsReload) {
    return [found("warning", check, `${service} has changed on disk`, "systemctl daemon-reload")];
  }
  if (dropIn === undefined || template === undefined) return [];
  const change = howChanged(dropIn, renderedDropIn, template.network, bridge);
  if (change === undefined) return [];
  const seen = `the drop-in of ${service}: ${change.state}`;
  if (change.isEdit) return [found("note", check, seen, `mbctl machines diff ${files.name}`)];
  const isOld = addFirewall(dropIn, bridge, firewallScript) !== undefined;
  return [found("warning", check, seen, isOld ? "mbctl host reload" : undefined)];
}

function settings({ templateProblem }: MachineFacts): Finding[] {
  if (templateProblem === undefined) return [];
  return [found("wrong", "template", templateProblem, "mend it, then mbctl host reload")];
}

function network(facts: MachineFacts): Finding[] {
  const { files, live, template, bridge } = facts;
  if (live === undefined || template === undefined) return [];
  switch (template.network.kind) {
    case "bridge":
      return [
        ...evaluatePlug(files, bridge),
        meshAddress(facts, live),
        otherAddresses(facts, live),
        meshRoutes(facts, live),
        defaultRoutes(facts, live),
      ];
    case "macvlan": {
      const outer = live.interfaces.filter(({ name }) => name !== "lo");
      const seen = outer.flatMap(({ addresses }) => globalAddresses(addresses)).join(", ");
      if (seen === "") {
        return [found("warning", "addresses", `none on ${template.network.parent} yet`)];
      }
      return [ok("addresses", seen)];
    }
    case "host":
      return [ok("addresses", "those of the host")];
    case "private":
      return [ok("addresses", "none, as its template says")];
  }
}

function meshAddress(facts: MachineFacts, live: LiveFacts): Finding {
  const { files } = facts;
  const check = "mesh address";
  const moved = ofAnotherPrefix(facts);
  if (moved !== undefined) return found("wrong", check, moved.why, moved.mend);
  if (files.address === undefined) return found("wrong", check, "none in its env file");
  const text = formatIpv6(files.address);
  const restart = `mbctl machines restart ${files.name}`;
  const present = ownAddresses(live).find(({ address }) => address === text);
  if (present === undefined) return found("missing", check, `${text} is not on host0`, restart);
  if (present.isDuplicate) {
    return found("wrong", check, `another node of the bridge has ${text}`, restart);
  }
  return ok(check, text);
}

function otherAddresses({ files, spec, ipv4 }: MachineFacts, live: LiveFacts): Finding {
  const has = globalAddresses(ownAddresses(live));
  const restart = `mbctl machines restart ${files.name}`;
  const ula = files.ula && formatIpv6(files.ula);
  const size = 2 ** (32 - ipv4.length);
  const isOwn = (text: string) =>
    !text.includes(":") && within(parseIpv4(text), ipv4.address, size);
  const fixed = spec?.ipv4 === undefined ? undefined : formatIpv4(spec.ipv4);
  const lacking = [
    ...(ula === undefined || has.includes(ula) ? [] : [`the ULA ${ula}`]),
    ...(fixed === undefined
      ? has.some(isOwn)
        ? []
        : ["an IPv4 address: no lease"]
      : has.includes(fixed)
        ? []
        : [`its IPv4 address ${fixed}`]),
  ];
  if (lacking.length > 0) {
    return found("wrong", "ULA and IPv4", `it lacks ${lacking.join(" and ")}`, restart);
  }
  const ipv4s = has.filter(isOwn).join(", ");
  return ula === undefined
    ? found("note", "ULA and IPv4", `${ipv4s}; its env file gives it no ULA`)
    : ok("ULA and IPv4", `${ula}, ${ipv4s}`);
}

function within(address: number, first: number, size: number): boolean {
  return address >= first && address < first + size;
}

/** Rule and routes of init-templates/31-ipv6.sh and 32-ipv6-routes.sh. */
function meshRoutes({ files }: MachineFacts, live: LiveFacts): Finding {
  const lacking = lackingMeshRoutes(files.address, live);
  if (lacking.length === 0) return ok("mesh routes", "200::/7 by table 199");
  const mend = `mbctl machines restart ${files.name}`;
  return found("missing", "mesh routes", `no ${lacking.join(", no ")}`, mend);
}

/** The world by IPv4, and by IPv6 from the ULA, which the host masquerades (init-templates/32-ipv6-routes.sh). */
function defaultRoutes({ files }: MachineFacts, { routes }: LiveFacts): Finding {
  const source = files.ula && formatIpv6(files.ula);
  const lacking = [
    ...(routes.ipv4.some(({ to }) => to === "default") ? [] : ["IPv4"]),
    ...(routes.ipv6.some(
      (route) => route.to === "default" && (source === undefined || route.source === source),
    )
      ? []
      : [source === undefined ? "IPv6" : `IPv6 from ${source}`]),
  ];
  if (lacking.length === 0) {
    return ok(
      "default routes",
      source === undefined ? "IPv4 and IPv6" : "IPv4, and IPv6 from the ULA",
    );
  }
  return found("warning", "default routes", `none for ${lacking.join(" and ")}`);
}

function listening(listener: Listener, { files, template }: MachineFacts): Finding {
  const { port, protocol, reach } = listener;
  const seen = describeListener(listener);
  const isOnBridge = template?.network.kind === "bridge";
  switch (reach) {
    case "all":
      return ok("listens", seen);
    case "relayed":
      return ok("listens", `${seen}, relayed to the mesh address`);
    case "loopback":
      return found("note", "listens", `${seen}: nobody outside of the machine reaches it`);
    case "ipv4": {
      if (!isOnBridge) return ok("listens", seen);
      const relay = formatRelayPort({ port, protocol, isProxied: false });
      return found(
        "warning",
        "listens",
        `${seen}: IPv4 alone, not at the mesh address`,
        `write relay6 = ["${relay}"] to ${files.name}'s machine.toml, then mbctl host reload`,
      );
    }
  }
}

function ports({ silentPorts, failedUnits, live }: MachineFacts): Finding[] {
  return [
    ...silentPorts.map(({ port, unit }) =>
      found(
        "wrong",
        "published",
        `${port}: nobody listens on the host`,
        `systemctl restart ${unit}`,
      ),
    ),
    ...(live === undefined ? [] : failedUnits).map((unit) =>
      found("wrong", "relays", `${unit} has failed`, `systemctl restart ${unit}`),
    ),
  ];
}

function access({ who, what, why }: MachineFacts["access"][number]): Finding {
  return ok("open to", `${who}: ${what} (${why})`);
}

function unknownHost(name: string): Finding {
  const seen = `nobody of ${name}, which its rules name: config.toml has no such host`;
  return found("wrong", "open to", seen, `mbctl address import --trust --ssh ${name}`);
}

function reachable(facts: MachineFacts): Finding {
  const { files, live, template } = facts;
  const reason = whyUnreachable(facts);
  if (reason !== undefined) return found("wrong", "reachable", reason.why, reason.mend);
  if (template?.network.kind === "private") {
    return found("note", "reachable", `by nobody, as its template says: ${template.name}`);
  }
  if (template?.network.kind !== "bridge") return ok("reachable", "as its template says");
  const address = files.address === undefined ? "" : formatIpv6(files.address);
  const open = (live?.listeners ?? []).filter(
    ({ reach }) => reach === "all" || reach === "relayed",
  );
  const published = live === undefined ? [] : publishedListeners(facts, live);
  const names = (listeners: readonly Listener[]) =>
    listeners.map(({ port, protocol }) => `${port}/${protocol}`).join(", ");
  const what = [
    ...(open.length === 0 ? [] : [names(open)]),
    ...(published.length === 0 ? [] : [`published: ${names(published)}`]),
  ];
  const seen = what.length === 0 ? "nothing listens" : what.join("; ");
  return ok("reachable", `${address} answers the host; ${seen}`);
}
