/**
 * What a quadlet says to systemd itself: `[Unit]`, `[Service]`, `[Install]`.
 *
 * @module
 */

import type { MachineName } from "../spec/machine_name.ts";
import { noRestart } from "../spec/restart_policy.ts";
import { type Draft, note, unsupported } from "./draft.ts";
import { machineNameFor } from "./machine_name.ts";
import { parseTimeSpan, splitSystemdWords } from "./systemd_words.ts";
import type { UnitEntry } from "../nspawn/unit_file.ts";

const dropIn = (section: string, key: string) =>
  `write ${key}= under [${section}] of a drop-in: systemctl edit systemd-nspawn@MACHINE.service`;

/**
 * Writes to the draft what becomes of an entry beside those of `[Container]`.
 *
 * @param machines the machines that the other units of this conversion become, by their names without ending.
 */
export function convertSectionEntry(
  draft: Draft,
  { section, key, value }: UnitEntry,
  machines: ReadonlyMap<string, MachineName>,
): void {
  // What podman's own environment holds may be a password.
  const written = `${key}=${key === "Environment" ? "" : value}`;
  if (section.startsWith("X-")) return;
  if (section === "Unit") {
    convertUnitEntry(draft, key, value, machines);
    return;
  }
  if (section === "Install") {
    if (key === "WantedBy" || key === "RequiredBy") draft.app.boot = true;
    else unsupported(draft, written, "a machine starts at boot, or it does not");
  } else if (section === "Service" && key === "Restart") {
    convertRestart(draft, value);
  } else if (section === "Service" && key === "TimeoutStopSec") {
    const seconds = parseTimeSpan(value);
    if (seconds === undefined || seconds < 1 || seconds > 3600) {
      unsupported(draft, written, "a program gets from 1 to 3600 seconds to end");
    } else if (draft.app.stopTimeoutSec !== undefined) {
      note(draft, written, "StopTimeout= counts, which podman keeps first");
    } else draft.app.stopTimeoutSec = Math.ceil(seconds);
  } else if (section === "Service" && key === "TimeoutStartSec") {
    note(draft, written, "an image is downloaded before a machine is started");
  } else {
    unsupported(draft, written, dropIn(section, key));
  }
}

function convertUnitEntry(
  draft: Draft,
  key: string,
  value: string,
  machines: ReadonlyMap<string, MachineName>,
): void {
  if (key === "Description" || key === "Documentation") {
    note(draft, `${key}=${value}`, "the unit of a machine has a text of its own");
    return;
  }
  if (!["After", "Requires", "Wants", "BindsTo"].includes(key)) {
    unsupported(draft, `${key}=${value}`, dropIn("Unit", key));
    return;
  }
  for (const unit of splitSystemdWords(value)) {
    const [, name = "", ending] = /^(.*)\.(container|service|[a-z]+)$/.exec(unit) ?? [];
    const machine =
      ending === "container"
        ? (machines.get(name) ?? machineNameFor(name))
        : ending === "service"
          ? machines.get(name)
          : undefined;
    if (machine !== undefined) {
      if (!draft.app.depends.includes(machine)) draft.app.depends.push(machine);
    } else if (/^(network|network-online|local-fs|remote-fs|basic|sysinit)\.target$/.test(unit)) {
      note(draft, `${key}=${unit}`, "the unit of a machine comes after it anyway");
    } else if (/\.(network|volume|image)$/.test(unit)) {
      note(draft, `${key}=${unit}`, "there is nothing to be started for it");
    } else {
      unsupported(draft, `${key}=${unit}`, dropIn("Unit", key));
    }
  }
}

function convertRestart(draft: Draft, value: string): void {
  if (value === "no") draft.app.restart = noRestart;
  else if (value === "always" || value === "on-failure") draft.app.restart = { when: value };
  else {
    unsupported(
      draft,
      `Restart=${value}`,
      "a machine has no, on-failure[:N], always or unless-stopped",
    );
  }
}
