/**
 * All that mbctl writes into a machine for an application, but its tree. Pure.
 *
 * @module
 */

import type { ImageConfig } from "../image/config.ts";
import { applicationArgs } from "../render/render_program.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import { formatApp } from "../spec/app_toml.ts";
import { type HealthCheck, healthCheck } from "../spec/health_check.ts";
import type { UserFiles } from "../watch/image_user.ts";
import { stringify } from "smol-toml";
import { appUnits } from "./app_paths.ts";
import { type AppProgram, appProgram, type FindFile } from "./app_program.ts";
import { renderAppService } from "./app_service.ts";
import checkScript from "./check_app.sh" with { type: "text" };
import {
  probeWords,
  renderHealthService,
  renderHealthTimer,
  renderProbeService,
} from "./health_units.ts";
import { renderLogService, renderLogSocket } from "./log_units.ts";
import { renderUserService } from "./user_unit.ts";
import { formatEnvironmentLine, isSystemdVariable } from "./systemd_value.ts";

export interface AppFile {
  /** In the application's folder, or the unit's name. */
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

export interface AppFiles {
  /** Beside the application's tree. */
  readonly metadata: readonly AppFile[];
  readonly units: readonly AppFile[];
  readonly program: AppProgram;
}

/** What is read of the application's tree for it. */
export interface AppTree extends UserFiles {
  readonly isProgram: FindFile;
}

/** The check that an application has; undefined for one that nobody asks, or that is not started. */
function appHealthCheck(app: AppSpec, image: ImageConfig): HealthCheck | undefined {
  return app.isStarted ? healthCheck(image.healthcheck, app.health) : undefined;
}

/**
 * Renders everything.
 *
 * @param imageText the image's configuration, verbatim.
 * @throws {MbctlError} (usage) for what the image does not have, and for values that no unit can hold.
 */
export function renderApp(
  app: AppSpec,
  image: ImageConfig,
  imageText: string,
  tree: AppTree,
): AppFiles {
  const program = appProgram(app, image, applicationArgs(image, app), tree, tree.isProgram);
  const check = appHealthCheck(app, image);
  const words = check && probeWords(check.probe);
  const probe = words && appProgram(app, image, words, tree, tree.isProgram);
  const units = appUnits(app.name);
  const userService = renderUserService(app.name, program.user);
  const unit = (name: string, text: string): AppFile => ({ name, text, mode: 0o644 });
  return {
    program,
    metadata: [
      { name: "env", text: renderEnvironment(program), mode: 0o600 },
      { name: "image.json", text: imageText, mode: 0o600 },
      { name: "app.toml", text: `${stringify(formatApp(app)).trimEnd()}\n`, mode: 0o600 },
      { name: "check", text: checkScript, mode: 0o755 },
    ],
    units: [
      unit(units.service, renderAppService(app, image, program, check !== undefined)),
      ...(userService === undefined ? [] : [unit(units.userService, userService)]),
      unit(units.logSocket, renderLogSocket(app.name)),
      unit(units.logService, renderLogService(app.name)),
      ...(check === undefined
        ? []
        : [
            unit(units.healthService, renderHealthService(app, check)),
            unit(units.probeService, renderProbeService(app, check, probe)),
            unit(units.healthTimer, renderHealthTimer(app, check)),
          ]),
    ],
  };
}

/** The file of its variables, in systemd's quoting. */
function renderEnvironment({ environment }: AppProgram): string {
  return environment
    .filter(([name]) => isSystemdVariable(name))
    .map(([name, value]) => formatEnvironmentLine(name, value))
    .join("");
}
