/**
 * What is done with an application, as steps of a change. Pure.
 *
 * @module
 */

import { quoteWords } from "../env/posix_sh.ts";
import type { MachinePaths } from "../paths.ts";
import type { AppName } from "../spec/app_name.ts";
import type { AppSpec } from "../spec/app_spec.ts";
import type { MachineName } from "../spec/machine_name.ts";

/** Folders of a machine, on the host, in which an application has its parts. */
export type AppPlace = Pick<MachinePaths, "tree" | "storage" | "appFolder">;

export type AppStep =
  /** Makes all of an application under hidden names. */
  | {
      readonly kind: "stage-app";
      readonly place: AppPlace;
      readonly app: AppSpec;
      /** The image's configuration, verbatim. */
      readonly imageText: string;
      /** A static busybox of the host, for one that is not started or lends commands. */
      readonly busybox?: string;
    }
  /** Removes what was staged, or was taken away. */
  | { readonly kind: "clear-app"; readonly place: AppPlace; readonly name: AppName }
  /** Puts an application in its place, and in that of an older one. May be repeated. */
  | { readonly kind: "place-app"; readonly place: AppPlace; readonly app: AppSpec }
  /** Takes an application out of its machine; its volumes only if so wanted. May be repeated. */
  | {
      readonly kind: "remove-app";
      readonly place: AppPlace;
      readonly name: AppName;
      readonly isWithData: boolean;
    }
  /** Tells the systemd of a running machine; a failure is a warning. */
  | {
      readonly kind: "app-systemctl";
      readonly machine: MachineName;
      readonly commands: readonly (readonly string[])[];
    };

const kinds: ReadonlySet<string> = new Set<AppStep["kind"]>([
  "stage-app",
  "clear-app",
  "place-app",
  "remove-app",
  "app-systemctl",
]);

/** Whether a step is one of these. */
export function isAppStep(step: { readonly kind: string }): step is AppStep {
  return kinds.has(step.kind);
}

/** One step in words, on one line. */
export function describeAppStep(step: AppStep): string {
  const q = (...words: string[]) => quoteWords(words);
  switch (step.kind) {
    case "stage-app":
      return `unpack ${q(step.app.image.reference)} for the application ${q(step.app.name)} below ${q(step.place.tree)}`;
    case "clear-app":
      return `clear what was prepared for the application ${q(step.name)} below ${q(step.place.tree)}`;
    case "place-app":
      return `put the application ${q(step.app.name)} and its units in place below ${q(step.place.tree)}`;
    case "remove-app":
      return `remove the application ${q(step.name)} and its units below ${q(step.place.tree)}${step.isWithData ? ", and its data" : ""}`;
    case "app-systemctl":
      return `in ${q(step.machine)}, if it runs: ${step.commands.map((words) => q("systemctl", ...words)).join("; ")}`;
  }
}
