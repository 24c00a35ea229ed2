/** An image as an application of a machine: for the verbs that add one. */

import { type AppAddition, prepareAddApp } from "../lib/apps/add_app.ts";
import type { VerbContext } from "../lib/cli/context.ts";
import { lackingPrograms } from "../lib/connector/lacking_programs.ts";
import { usageError } from "../lib/errors.ts";
import type { Host } from "../lib/host/host.ts";
import { formatImageRef, type ImageRef } from "../lib/image/reference.ts";
import { readMachine } from "../lib/machine/inventory.ts";
import { locateImage, type LocateOptions } from "../lib/pull/locate_image.ts";
import { type AppName, isAppName, parseAppName } from "../lib/spec/app_name.ts";
import { appRestart, type AppSpec } from "../lib/spec/app_spec.ts";
import type { MachineName } from "../lib/spec/machine_name.ts";
import type { AppChoices } from "../lib/spec/machine_spec.ts";
import { isOpen } from "../lib/store/store.ts";
import { recordEvent } from "../lib/watch/record_event.ts";
import { allVolumes } from "../lib/spec/volume.ts";
import { appFlags, givenChoices } from "./_app_flags.ts";
import { imageStore, imageTools, locateTools } from "./_image_source.ts";
import { applyOrShow, changeTools } from "./_machine_change.ts";

/** Those of the flags of pull that mean something for one program of a machine. */
export const applicationFlags = omit(appFlags, [
  "label",
  "requires",
  "secret",
  "device",
  "connector",
]);

type Omitted = "label" | "requires" | "secret" | "device" | "connector";

function omit<T extends object, K extends keyof T>(all: T, keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(
    Object.entries(all).filter(([key]) => !keys.includes(key as K)),
  ) as Omit<T, K>;
}

/** What an application is called that nobody named: the last part of its image's name. */
export function appNameOf(ref: ImageRef): AppName {
  const text = formatImageRef(ref)
    .replace(/@[^@]*$/, "")
    .replace(/:[^:/]*$/, "");
  const last = text.split("/").at(-1) ?? "";
  return isAppName(last) ? last : parseAppName(last.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, "-"));
}

/** An application as its flags declare it. */
export function givenApp(
  context: VerbContext,
  flags: Omit<Parameters<typeof givenChoices>[1], Omitted>,
  machine: MachineName,
  name: AppName,
  args: readonly string[],
): Omit<AppSpec, "image" | "isStarted"> {
  const given = givenChoices(context, { ...flags, connector: [] }, machine, args);
  const isGiven = flags.restart !== undefined;
  return appOf(name, given.app, given, isGiven);
}

/** What of a machine's choices is an application's. */
export function appOf(
  name: AppName,
  app: AppChoices,
  { environment, volumes }: Pick<AppSpec, "environment" | "volumes">,
  hasRestart: boolean,
): Omit<AppSpec, "image" | "isStarted"> {
  const { entrypoint, args, user, workingDirectory, stopSignal, stopTimeoutSec, health } = app;
  return {
    name,
    environment,
    volumes,
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(args === undefined ? {} : { args }),
    ...(user === undefined ? {} : { user }),
    ...(workingDirectory === undefined ? {} : { workingDirectory }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(stopTimeoutSec === undefined ? {} : { stopTimeoutSec }),
    ...(health === undefined ? {} : { health }),
    restart: hasRestart ? app.restart : appRestart,
    limits: app.limits,
    capabilities: app.capabilities,
    isReadOnly: app.isReadOnly,
    lend: app.lend,
  };
}

export interface AppRequest extends Pick<AppAddition, "mayReplace" | "publish"> {
  readonly machine: MachineName;
  readonly ref: ImageRef;
  readonly request: Omit<AppSpec, "image">;
  readonly options: LocateOptions;
}

/** Locates the image, and adds the application; who calls holds the machine's lock. */
export async function addApp(
  context: VerbContext,
  host: Host,
  { machine, ref, request, options, ...more }: AppRequest,
): Promise<void> {
  const warn = (text: string) => context.log.warn(text);
  using store = await imageStore(context, host);
  await using located = await locateImage(locateTools(context, host, store), ref, options);
  const { found } = located;
  const reference = formatImageRef(ref);
  const { digest, manifestDigest } = found;
  const app: AppSpec = {
    ...request,
    image: { reference, digest, manifestDigest },
    volumes: allVolumes(found.config.volumes, request.volumes),
  };
  if (app.volumes.some(({ kind }) => kind === "host") && !context.dryRun) {
    context.log.info("a folder of the host is bound into the machine when that starts");
  }
  const change = await prepareAddApp(host, machine, { app, image: found, ...more }, warn);
  const tools = isOpen(store) ? imageTools(context, host, store, located) : undefined;
  const images = new Map(tools === undefined ? [] : [[manifestDigest as string, tools]]);
  if (!context.dryRun) context.log.info(`adding ${reference} to "${machine}" as ${app.name}`);
  await applyOrShow(context, change, changeTools(context, host, machine, images));
  tools?.remember();
  if (context.dryRun) return;
  const { spec } = await readMachine(host, machine);
  for (const lack of lackingPrograms(host.root, spec, undefined)) warn(`"${machine}": ${lack}`);
  const message = `application ${app.name} of ${reference}`;
  await recordEvent(host, { event: "apply", machine, message });
}

/** @throws {MbctlError} (usage) where there is no base. */
export function requireBase(base: string | undefined): string {
  if (base !== undefined) return base;
  throw usageError(
    "Cannot make a machine with an application: there is no base to run it in",
    "--base MACHINE names a whole system, which is cloned; mbctl machines create makes one",
  );
}
