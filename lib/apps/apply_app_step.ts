/**
 * Carries out steps of applications.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import type { AppStep } from "./app_step.ts";
import { tellSystemd } from "./machine_systemd.ts";
import { clearApp, placeApp, removeApp } from "./place_app.ts";
import { stageApp } from "./stage_app.ts";

export interface AppTools {
  readonly host: Host;
  /** Applies the layers of an image, by the digest of its manifest, to a plain directory of a free name. */
  readonly unpack: (manifestDigest: string, tree: string) => Promise<void>;
  readonly warn: (text: string) => void;
}

/** @throws what {@linkcode stageApp} and its like throw. */
export async function applyAppStep(step: AppStep, { host, unpack, warn }: AppTools): Promise<void> {
  switch (step.kind) {
    case "stage-app": {
      const { manifestDigest } = step.app.image;
      const tools = { run: host.run, unpack: (tree: string) => unpack(manifestDigest, tree) };
      return await stageApp(step, tools);
    }
    case "clear-app":
      return clearApp(step.place, step.name);
    case "place-app":
      return placeApp(step.place, step.app);
    case "remove-app":
      return removeApp(step.place, step.name, step.isWithData);
    case "app-systemctl":
      return await tellSystemd(host, step.machine, step.commands, warn);
  }
}
