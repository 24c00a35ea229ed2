/**
 * A machine out of an archive. Everything is unpacked under hidden names and looked at before it is put in its
 * place; a marker says meanwhile what to take back. Then the machine is rebuilt as from any configuration folder.
 *
 * @module
 */

import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { undisturbedTools } from "../change/apply_change.ts";
import { MbctlError } from "../errors.ts";
import { nameExists } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { type ApplyTools, applySteps } from "../steps/apply.ts";
import { machinePaths } from "../paths.ts";
import { clearStaged, planRollback } from "../steps/plan_pull.ts";
import { requireFreeName, requireNoClash } from "../machine/free_name.ts";
import { readMachineFacts } from "../steps/pull.ts";
import type { Step } from "../steps/step.ts";
import type { PublishedPort } from "../network/published_port.ts";
import type { MachineName } from "../spec/machine_name.ts";
import type { MachineSpec } from "../spec/machine_spec.ts";
import { settleCopy } from "../os/settle_system.ts";
import { removeTree } from "../trees/remove_tree.ts";
import { makeTree } from "../trees/tree.ts";
import type { ArchiveManifest, PartName } from "./archive_manifest.ts";
import { checkVolumeFolders } from "./check_configuration.ts";
import type { ArchiveReader, UnpackOptions } from "./read_archive.ts";
import { askedByStaged, readStaged, setPublished, settleConfiguration } from "./staged_machine.ts";

/** What an archive says of its machine, before anything is made of it. */
export interface Offer {
  readonly spec: MachineSpec;
  /** What it would get of this host, a line for each. */
  readonly asked: readonly string[];
}

/** An offer in lines, for people. */
export function describeOffer(name: MachineName, { spec, asked }: Offer): string[] {
  return [
    `${name}: ${spec.image.reference}, ${spec.image.digest}`,
    asked.length === 0 ? "wants nothing of this host" : "wants of this host:",
    ...asked.map((line) => `  ${line}`),
  ];
}

export interface ImportRequest {
  readonly manifest: ArchiveManifest;
  readonly name: MachineName;
  readonly unpacking: UnpackOptions;
  readonly warn: (text: string) => void;
  /** Ports of the host in the place of those that its machine.toml publishes; none: these stay. */
  readonly publish: readonly PublishedPort[];
  /** Asks whether the machine may have what it asks for; throws when not. */
  readonly approve: (offer: Offer) => Promise<void>;
  /** Makes the machine of its configuration folder, which is in its place. */
  readonly rebuild: () => Promise<void>;
  /** A whole system keeps what it is known by, machine-id and ssh host keys, also under another name. */
  readonly keepsIdentity: boolean;
  /** The storage folder is staged already, by somebody else than the archive. */
  readonly isStorageStaged: boolean;
}

/**
 * Wants a name to be free for a machine that is to come.
 *
 * @throws {MbctlError} (conflict)
 */
async function requireRoomFor(host: Host, name: MachineName): Promise<void> {
  await requireFreeName(host, name);
  requireNoClash(host, name);
}

/**
 * Reads the rest of an archive, and makes its machine.
 *
 * @param reader has read the manifest.
 * @throws {MbctlError} (usage) for an archive that is damaged or hostile, (conflict) for a name or port that is taken;
 * what `approve` and `rebuild` throw. Nothing is left then.
 */
export async function importMachine(
  host: Host,
  reader: ArchiveReader,
  request: ImportRequest,
  tools: ApplyTools,
): Promise<void> {
  const { manifest, name, isStorageStaged } = request;
  const paths = machinePaths(host.root, name);
  await requireRoomFor(host, name);
  if (isStorageStaged && !nameExists(paths.stagedStorage)) {
    // Without it the machine would be made with empty volumes, and where it comes from it is then removed.
    throw new MbctlError("conflict", `Cannot import "${name}": its data is gone`, {
      hint: `a killed import may have been cleared, and ${paths.stagedStorage} with it: run mbctl machines move again`,
    });
  }
  const folder = (path: string): Step => ({ kind: "make-directory", path, mode: 0o700 });
  try {
    await applySteps(
      [
        ...[paths.tree, paths.configuration, paths.machineLink].map((path) =>
          folder(dirname(path)),
        ),
        { kind: "write-file", path: paths.pullMarker, text: "", mode: 0o600 },
        { kind: "remove", path: paths.stagedTree },
        { kind: "remove", path: paths.stagedConfiguration },
        ...(isStorageStaged ? [] : ([{ kind: "remove", path: paths.stagedStorage }] as const)),
        folder(paths.stagedConfiguration),
      ],
      tools,
    );
    // Its ports are claimed when it is rebuilt.
    const offer = await readOffer(host, reader, request, paths.stagedConfiguration, false);
    await request.approve(offer);
    if (hasPart(manifest, "storage")) {
      await applySteps([folder(dirname(paths.storage)), folder(paths.stagedStorage)], tools);
      await unpack(reader, manifest, "storage", paths.stagedStorage, request.unpacking);
      chmodSync(paths.stagedStorage, 0o700);
    }
    const isWithTree = hasPart(manifest, "tree");
    if (isWithTree) {
      makeTree(paths.stagedTree);
      await unpack(reader, manifest, "tree", paths.stagedTree, request.unpacking);
    }
    await reader.end();
    const isCopy = name !== manifest.name && !request.keepsIdentity;
    if (isWithTree && isCopy && offer.spec.mode === "base") settleCopy(paths.stagedTree);
    const isWithStorage = nameExists(paths.stagedStorage);
    if (isWithStorage) checkVolumeFolders(paths.stagedStorage, "data", offer.spec.volumes);
    await applySteps(
      [
        { kind: "sync", path: paths.stagedConfiguration },
        ...(isWithStorage
          ? ([
              { kind: "sync", path: paths.stagedStorage },
              { kind: "move", from: paths.stagedStorage, to: paths.storage },
            ] as const)
          : []),
        ...(isWithTree
          ? ([
              { kind: "sync", path: paths.stagedTree },
              { kind: "move", from: paths.stagedTree, to: paths.tree },
            ] as const)
          : []),
        { kind: "move", from: paths.stagedConfiguration, to: paths.configuration },
      ],
      tools,
    );
    await request.rebuild();
  } catch (error) {
    await applySteps(planRollback(paths, ""), undisturbedTools(tools));
    throw error;
  }
  await applySteps(clearStaged(paths, ""), undisturbedTools(tools));
}

/**
 * Says what an archive offers; nothing is made of it but a folder in /tmp, which is removed again.
 *
 * @throws as {@linkcode importMachine}.
 */
export async function previewImport(
  host: Host,
  reader: ArchiveReader,
  request: Omit<ImportRequest, "approve" | "rebuild">,
): Promise<Offer> {
  await requireRoomFor(host, request.name);
  const folder = mkdtempSync(join(tmpdir(), "mbctl-import-"));
  try {
    const configuration = join(folder, "configuration");
    mkdirSync(configuration, { mode: 0o700 });
    return await readOffer(host, reader, request, configuration, true);
  } finally {
    removeTree(folder);
  }
}

async function readOffer(
  host: Host,
  reader: ArchiveReader,
  { manifest, name, unpacking, publish, warn }: Omit<ImportRequest, "approve" | "rebuild">,
  folder: string,
  claimsPorts: boolean,
): Promise<Offer> {
  await unpack(reader, manifest, "configuration", folder, unpacking);
  settleConfiguration(folder, manifest.name, name);
  if (publish.length > 0) setPublished(folder, publish);
  const staged = readStaged(folder, name);
  const { spec } = staged;
  const wanted = claimsPorts ? spec : { ...spec, publish: [] };
  // Its fixed address is that of another host's network.
  const facts = await readMachineFacts(host, name, wanted, undefined, warn);
  return { spec, asked: askedByStaged(folder, staged, facts) };
}

function hasPart({ parts }: ArchiveManifest, name: PartName): boolean {
  return parts.some((part) => part.name === name);
}

async function unpack(
  reader: ArchiveReader,
  { parts }: ArchiveManifest,
  name: PartName,
  folder: string,
  options: UnpackOptions,
): Promise<void> {
  const part = parts.find((candidate) => candidate.name === name);
  if (part === undefined) throw reader.fail(`its ${name} is not there`);
  await reader.unpack(part, folder, options);
}
