/**
 * Options that become part of a machine.
 *
 * @module
 */

import * as app from "./app.ts";
import { unsupported } from "./draft.ts";
import * as health from "./health.ts";
import * as limits from "./limits.ts";
import { convertNetwork } from "./network.ts";
import { convertPublish } from "./ports.ts";
import { flag, manyValues, oneValue, type RunOption } from "./run_option.ts";
import { convertMount, convertShmSize, convertTmpfs, convertVolume } from "./volumes.ts";

/** Options with an equivalent in machine.toml. */
export const convertedOptions: readonly RunOption[] = [
  manyValues("env", app.convertEnv, { short: "e", hides: "assigned" }),
  manyValues("env-file", app.convertEnvFile),
  manyValues("label", app.convertLabel, { short: "l" }),
  manyValues("label-file", app.convertLabelFile),
  oneValue("entrypoint", app.convertEntrypoint),
  oneValue("user", app.convertUser, { short: "u" }),
  oneValue("workdir", app.convertWorkdir, { short: "w" }),
  oneValue("restart", app.convertRestart),
  oneValue("stop-signal", app.convertStopSignal),
  oneValue("stop-timeout", app.convertStopTimeout),
  manyValues("requires", app.convertRequires),
  manyValues("secret", app.convertSecret),

  manyValues("publish", convertPublish, { short: "p" }),
  manyValues("network", convertNetwork, { aliases: ["net"] }),

  manyValues("volume", convertVolume, { short: "v" }),
  manyValues("mount", convertMount),
  manyValues("tmpfs", convertTmpfs),
  oneValue("shm-size", convertShmSize),

  oneValue("memory", limits.convertMemory, { short: "m" }),
  oneValue("cpus", limits.convertCpus),
  oneValue("cpu-quota", limits.convertCpuQuota),
  oneValue("cpu-period", limits.convertCpuPeriod),
  oneValue("pids-limit", limits.convertPidsLimit),
  oneValue("blkio-weight", limits.convertBlkioWeight),
  manyValues("ulimit", limits.convertUlimit),

  manyValues("cap-add", app.convertCapability("add")),
  manyValues("cap-drop", app.convertCapability("drop")),
  flag("read-only", (draft) => {
    draft.app.isReadOnly = true;
  }),
  {
    name: "read-only-tmpfs",
    takesValue: false,
    repeats: false,
    convert(draft, { value, written }) {
      draft.hasReadOnlyTmpfs = value === "true";
      if (value === "true") return;
      unsupported(draft, written, "systemd-nspawn mounts /run and /tmp in memory anyway");
    },
  },
  manyValues("device", app.convertDevice),

  oneValue("health-cmd", health.convertHealthCommand, { aliases: ["healthcheck-command"] }),
  oneValue("health-interval", health.healthTime("intervalMs"), {
    aliases: ["healthcheck-interval"],
  }),
  oneValue("health-timeout", health.healthTime("timeoutMs"), { aliases: ["healthcheck-timeout"] }),
  oneValue("health-start-period", health.healthTime("startPeriodMs"), {
    aliases: ["healthcheck-start-period"],
  }),
  oneValue("health-retries", health.convertHealthRetries, { aliases: ["healthcheck-retries"] }),
  oneValue("health-on-failure", health.convertHealthAction),
  flag("no-healthcheck", health.turnOff),
];
