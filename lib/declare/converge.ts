/**
 * Declarations held against what is there: each machine is to be made, changed or left alone. Nothing is written.
 *
 * @module
 */

import { type AppConvergence, convergeApps } from "../apps/converge_apps.ts";
import { pinApps } from "../apps/pin_apps.ts";
import type { ImageTools } from "../steps/apply.ts";
import { type PresentMachine, readPresentMachine } from "../change/present_machine.ts";
import { toLatin1 } from "../change/rerender.ts";
import { lackingPrograms } from "../connector/lacking_programs.ts";
import { MbctlError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { isStopped, readUnitStates } from "../host/systemd.ts";
import { type Digest, parseDigest } from "../image/digest.ts";
import type { MachineImage } from "../image/found_image.ts";
import { type ImageRef, parseImageRef, pinned } from "../image/reference.ts";
import { planBoot } from "../steps/plan_boot.ts";
import { requireChoices, requireMountPoints } from "../steps/require_choices.ts";
import { machinePaths } from "../paths.ts";
import {
  checkPull,
  type CommonFacts,
  type PreparedPull,
  prepareMachine,
  readMachineFacts,
} from "../steps/pull.ts";
import type { Step } from "../steps/step.ts";
import { systemSource } from "../steps/system_source.ts";
import type { Preference } from "../merge/merge_file.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineDeclaration, MachineSpec } from "../spec/machine_spec.ts";
import { isOsReference } from "../spec/os_reference.ts";
import { canonicalSource } from "../spec/source_reference.ts";
import type { Target, UsableImage } from "../upgrade/upgrade_to.ts";
import { completeSpec, desiredText, isOtherImage, keptDigests } from "./desired.ts";
import { type DeclaredChange, planDeclared } from "./plan_declared.ts";
import type { Declared } from "./read_declarations.ts";
import { diffFiles, type FileDiff } from "./show_files.ts";

export interface ConvergeOptions {
  /** Facts of the host, read once for all machines. */
  readonly common: CommonFacts;
  /** Machines that run. */
  readonly running: ReadonlySet<MachineName>;
  readonly prefer: Preference | undefined;
  /** Whether machines that have to may be restarted. */
  readonly mayRestart: boolean;
  readonly warn: (text: string) => void;
  /** Whether applications are looked at; those who change machine.toml alone leave them as they are. */
  readonly hasApps?: boolean | undefined;
  /** Where images come from; asked only when one is needed. */
  readonly locate: (ref: ImageRef, digest?: Digest) => Promise<UsableImage>;
}

/** What becomes of a machine. */
export type Convergence =
  | { readonly kind: "nothing"; readonly name: MachineName }
  | {
      readonly kind: "make";
      readonly name: MachineName;
      readonly prepared: PreparedPull;
      readonly tools: UsableImage["tools"];
      readonly diffs: readonly FileDiff[];
      readonly boot: readonly Step[];
    }
  | {
      readonly kind: "change";
      readonly name: MachineName;
      readonly plan: DeclaredChange;
      /** Images of applications, by the digests of their manifests. */
      readonly appImages: ReadonlyMap<string, ImageTools> | undefined;
    }
  | {
      readonly kind: "upgrade";
      readonly name: MachineName;
      readonly present: PresentMachine;
      readonly target: Target;
      readonly located: UsableImage;
      readonly boot: readonly Step[];
    };

/** Which of the machines run. */
export async function readRunning(
  host: Host,
  names: readonly MachineName[],
): Promise<ReadonlySet<MachineName>> {
  const states = host.isLive ? await readUnitStates(host.run, names) : undefined;
  return new Set(names.filter((name) => states !== undefined && !isStopped(states.get(name))));
}

/**
 * Says what becomes of one machine.
 *
 * @throws {MbctlError} for what cannot be, before anything is changed.
 */
export async function converge(
  host: Host,
  declared: Declared,
  options: ConvergeOptions,
): Promise<Convergence> {
  const { name } = declared.declaration;
  if (!nameExists(machinePaths(host.root, name).machineToml)) {
    return await planMake(host, declared, options);
  }
  const present = readPresentMachine(host, name);
  if (!isOtherImage(declared.declaration, present.spec)) {
    const { image } = present.spec;
    return await planChange(host, declared, present, image, undefined, options);
  }
  requireNoSystem(declared.declaration, present.spec);
  const located = await options.locate(referenceOf(declared.declaration));
  const { digest, manifestDigest } = located.found;
  const reference = canonicalSource(declared.declaration.image.reference);
  const image = { reference, digest, manifestDigest };
  if (manifestDigest === present.spec.image.manifestDigest) {
    // The same image by another name.
    return await planChange(host, declared, present, image, located.found, options);
  }
  const { config } = located.found;
  const { ipv4 } = present.spec;
  const spec = completeSpec(declared.declaration, image, config, present.spec, ipv4);
  const machineToml = textOf(host, declared, spec, present, options);
  const boot = planBoot(host, name, spec.boot);
  return { kind: "upgrade", name, present, target: { spec, machineToml }, located, boot };
}

async function planMake(
  host: Host,
  { file, text, declaration }: Declared,
  { common, warn, locate, prefer }: ConvergeOptions,
): Promise<Convergence> {
  const { name, ipv4 } = declaration;
  const facts = await checkPull(host, name, declaration, warn, common, ipv4);
  const { found, tree, tools } = isOsReference(declaration.image.reference)
    ? await systemSource(host, declaration)
    : await locate(referenceOf(declaration));
  const { digest, manifestDigest } = found;
  const reference = canonicalSource(declaration.image.reference);
  const image = { reference, digest, manifestDigest };
  const open = completeSpec(declaration, image, found.config, undefined, facts.staticIpv4);
  const spec = { ...open, apps: await pinApps(open.apps, locate) };
  const { text: machineToml } = desiredText(
    { path: file, text, isOwn: false },
    declaration,
    spec,
    undefined,
    prefer,
  );
  const prepared = prepareMachine(host, spec, facts, found, tree, machineToml);
  for (const weakness of prepared.weaknesses) warn(`"${name}": ${weakness}`);
  const boot = planBoot(host, name, spec.boot);
  const { files } = prepared;
  const diffs = diffFiles(machinePaths(host.root, name), undefined, {
    machineToml,
    nspawn: toLatin1(files.nspawn),
    envFile: toLatin1(files.envFile),
    unitDropIn: toLatin1(files.unitDropIn),
  });
  return { kind: "make", name, prepared, tools, diffs, boot };
}

async function planChange(
  host: Host,
  declared: Declared,
  present: PresentMachine,
  image: MachineSpec["image"],
  found: MachineImage | undefined,
  options: ConvergeOptions,
): Promise<Convergence> {
  const { declaration } = declared;
  const { name } = present;
  const { common, running, warn, locate, prefer, mayRestart } = options;
  requireSameKind(declaration, present.spec);
  for (const kept of keptDigests(declaration, present.spec)) warn(`"${name}": ${kept}`);
  const ipv4 = declaration.ipv4 ?? present.spec.ipv4;
  const facts = await readMachineFacts(host, name, declaration, ipv4, warn, common);
  const known =
    found === undefined
      ? (present.image ?? (await findImage(present.spec, locate)))
      : { text: found.configText, config: found.config };
  const { hasApps = true } = options;
  const open = completeSpec(declaration, image, known.config, present.spec, facts.staticIpv4);
  const spec = hasApps ? { ...open, apps: await pinApps(open.apps, locate) } : open;
  for (const weakness of requireChoices(host.root, spec, known.config)) {
    warn(`"${name}": ${weakness}`);
  }
  for (const lack of lackingPrograms(host.root, spec, known.config)) warn(`"${name}": ${lack}`);
  requireMountPoints(host.root, spec, known.config);
  const machineToml = textOf(host, declared, spec, present, options);
  const plan = planDeclared(
    present,
    { spec, machineToml, image: known, facts },
    {
      root: host.root,
      isLive: host.isLive,
      isRunning: running.has(name),
      mayRestart,
      prefer,
      boot: planBoot(host, name, spec.boot),
      isThere: nameExists,
    },
  );
  const apps = hasApps ? await convergeApps(host, present.spec, spec, locate) : undefined;
  if (plan.change === undefined && apps === undefined) return { kind: "nothing", name };
  return { kind: "change", name, plan: joinApps(plan, apps, name), appImages: apps?.images };
}

/** The machine's own files and its applications change as one. */
function joinApps(
  plan: DeclaredChange,
  apps: AppConvergence | undefined,
  name: MachineName,
): DeclaredChange {
  if (apps === undefined) return plan;
  const none = { name, verb: "apply", prepare: [], undo: [], redo: [] };
  const change = plan.change ?? none;
  return {
    ...plan,
    change: {
      ...change,
      prepare: [...apps.prepare, ...change.prepare],
      undo: [...apps.undo, ...change.undo],
      redo: [...apps.redo, ...change.redo, ...apps.after],
    },
    notes: [...plan.notes, ...apps.words.map((words) => `application ${words}`)],
  };
}

/** What machine.toml is to say of a machine that is there. */
function textOf(
  host: Host,
  { file, text, declaration }: Declared,
  spec: MachineSpec,
  present: PresentMachine,
  { prefer, warn }: ConvergeOptions,
): string {
  const isOwn = file === machinePaths(host.root, spec.name).machineToml;
  const own = { path: file, text, isOwn };
  const pinnedText = desiredText(own, declaration, spec, present, prefer);
  if (!pinnedText.isVerbatim) {
    warn(`${spec.name}: the comments of ${file} are not in its machine.toml`);
  }
  return pinnedText.text;
}

/** @throws {MbctlError} (conflict) for another image of a whole system. */
function requireNoSystem(declared: MachineDeclaration, present: MachineSpec): void {
  requireSameKind(declared, present);
  if (present.mode !== "base") return;
  const { name, image } = present;
  throw new MbctlError(
    "conflict",
    `Cannot give "${name}" ${declared.image.reference} in the place of ${image.reference}: a whole system upgrades itself`,
    {
      hint: `in it: mbctl machines shell ${name}; mbctl machines rebuild ${name} makes its tree anew of what machine.toml says`,
    },
  );
}

/**
 * @throws {MbctlError} (conflict) for a whole system that is to be something else, and the other way round: the root trees
 * are not the same.
 */
function requireSameKind(declared: MachineDeclaration, present: MachineSpec): void {
  if ((declared.mode === "base") === (present.mode === "base")) return;
  const { name } = present;
  throw new MbctlError(
    "conflict",
    `Cannot change the mode of "${name}" from ${present.mode} to ${declared.mode}: its root tree is made for the first`,
    { hint: `mbctl machines rebuild ${name} makes it anew of what machine.toml says` },
  );
}

/** The configuration of the image that a machine of an older mbctl was made of. */
async function findImage(
  { image }: MachineSpec,
  locate: ConvergeOptions["locate"],
): Promise<NonNullable<PresentMachine["image"]>> {
  const { found } = await locate(parseImageRef(image.reference), parseDigest(image.digest));
  return { text: found.configText, config: found.config };
}

/** The image of a declaration: by its digest where it has one. */
function referenceOf({ image }: MachineDeclaration): ImageRef {
  const ref = parseImageRef(image.reference);
  if (ref.transport !== "docker" || image.digest === undefined) return ref;
  return pinned(ref, parseDigest(image.digest));
}
