/**
 * Where the output of an application goes: into a pipe that systemd holds open, and from there into the journal.
 *
 * @module
 */

import {
  formatUnitFile,
  unitBlank,
  unitComment,
  unitEntry,
  unitSection,
} from "../nspawn/unit_file.ts";
import type { AppName } from "../spec/app_name.ts";
import { appPaths, appUnits } from "./app_paths.ts";
import { renderedComment } from "./app_service.ts";
import { unseenItems } from "./sandbox.ts";

/** Renders `oci-APP-log.socket`. */
export function renderLogSocket(name: AppName): string {
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `Output of ${name}`),
    unitBlank(),
    unitSection("Socket"),
    unitEntry("ListenFIFO", appPaths(name).log),
    unitComment(
      "Whoever has it open may open it again, whatever user it has become: /dev/stdout. Nobody else gets there.",
    ),
    unitEntry("SocketMode", "0622"),
    unitEntry("DirectoryMode", "0700"),
    unitEntry("RemoveOnStop", "yes"),
  ]);
}

/** Renders `oci-APP-log.service`. */
export function renderLogService(name: AppName): string {
  const { log } = appPaths(name);
  return formatUnitFile([
    unitComment(renderedComment),
    unitSection("Unit"),
    unitEntry("Description", `Output of ${name} into the journal`),
    unitEntry("StartLimitIntervalSec", "0"),
    unitBlank(),
    unitSection("Service"),
    unitEntry("ExecStart", "/bin/cat"),
    unitEntry("StandardInput", `file:${log}`),
    unitComment("What came since, when the machine goes down."),
    unitEntry("ExecStopPost", `-/bin/dd if=${log} iflag=nonblock bs=64k status=none`),
    unitEntry("StandardError", "null"),
    unitEntry("SyslogIdentifier", name),
    unitEntry("SyslogLevelPrefix", "no"),
    unitComment("journalctl and systemctl status show it with the service, as root wrote it."),
    unitEntry("LogExtraFields", `OBJECT_SYSTEMD_UNIT=${appUnits(name).service}`),
    unitEntry("Restart", "always"),
    ...unseenItems,
    unitEntry("NoNewPrivileges", "yes"),
    unitEntry("PrivateNetwork", "yes"),
    unitEntry("PrivateTmp", "yes"),
    unitEntry("ProtectHome", "yes"),
    unitEntry("ProtectSystem", "strict"),
    unitEntry("SystemCallFilter", "@system-service"),
  ]);
}
