import { runScript } from "../lib/cli/main.ts";
import { formatBytes } from "../lib/cli/progress.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { quoteWords } from "../lib/env/posix_sh.ts";
import { openHost } from "../lib/host/host.ts";
import { decideImageMode } from "../lib/pull/decide_image_mode.ts";
import { locateImage } from "../lib/pull/locate_image.ts";
import { readImageUses } from "../lib/store/image_use.ts";
import { storeBelow } from "../lib/store/store.ts";
import { layersSizeBytes } from "../lib/image/manifest.ts";
import { formatPlatform } from "../lib/image/platform.ts";
import { formatImageRef, resolveImagePath } from "../lib/image/reference.ts";
import {
  imageOperand,
  locateTools,
  pullFlag,
  sourceFlags,
  sourceOptions,
} from "./_image_source.ts";
import { readingText } from "./_pull_mode.ts";

/** Looking at an image shall not cost as much as pulling a large one. */
const maxMissingBytes = 256 * 1024 ** 2;

const verb = defineVerb({
  name: "oci inspect",
  summary: "show what mbctl understands of an image",
  description:
    "Reads the manifest and the configuration, from the store or the registry. Where only the layers can tell how a machine of it lives (no program but a shell), they are read until that is known, and not kept. Says by which rule of policy.json the image was accepted, and which machines are made of it.",
  reads: true,
  operands: { image: imageOperand },
  flags: { ...pullFlag, ...sourceFlags },
  examples: [
    { command: "mbctl oci inspect docker.io/nginx", says: "program, user, volumes, ports, layers" },
    { command: "mbctl oci inspect nginx --pull always --json", says: "what the registry has now" },
  ],
  async run(context, { image, pull, tlsVerify, authfile }) {
    const ref = resolveImagePath(image, context.workingDirectory);
    const host = openHost(context);
    const store = storeBelow(host.root, { onDamage: (text) => context.log.warn(text) });
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    await using located = await locateImage(locateTools(context, host, store), ref, options);
    const { found } = located;
    const { config, manifest } = found;
    const machines = readImageUses(host.root)
      .filter(({ digests }) => digests.includes(found.manifestDigest))
      .map(({ machine }) => machine);
    const sizeBytes = layersSizeBytes(manifest);
    const decided = await decideImageMode(
      { store, located, signal: context.signal },
      {
        maxMissingBytes: pull === "never" ? 0 : maxMissingBytes,
        onMissing: (bytes) => context.log.info(readingText(bytes)),
      },
    );
    const answer = {
      reference: formatImageRef(ref),
      digest: found.digest,
      manifestDigest: found.manifestDigest,
      platform: formatPlatform(config),
      origin: located.origin,
      resolvedAt: new Date(located.resolvedMs).toISOString(),
      verifiedBy: located.verifiedBy,
      machines,
      mode: decided.mode ?? null,
      modeReason: decided.reason,
      args: [...config.entrypoint, ...config.cmd],
      entrypoint: config.entrypoint,
      command: config.cmd,
      environment: Object.fromEntries(config.env),
      user: config.user,
      workingDirectory: config.workingDir,
      volumes: config.volumes,
      ports: config.ports,
      stopSignal: config.stopSignal ?? "SIGTERM",
      healthCheck: config.healthcheck,
      created: config.created,
      sizeBytes,
      layers: manifest.layers,
      labels: config.labels,
    };
    context.out.answer(answer, () =>
      renderTable(
        ["FACT", "VALUE"],
        [
          ["reference", answer.reference],
          ["digest", answer.digest],
          ["manifest digest", answer.manifestDigest],
          ["platform", answer.platform],
          [
            "origin",
            answer.origin === "store" ? `store, resolved ${answer.resolvedAt}` : "registry",
          ],
          ["verified by", answer.verifiedBy],
          ...machines.map((machine) => ["machine", machine]),
          ["created", answer.created],
          ["mode", `${answer.mode ?? "not known"}: ${answer.modeReason}`],
          ["args", quoteWords(answer.args)],
          ["user", answer.user || "root"],
          ["working directory", answer.workingDirectory],
          ["stop signal", answer.stopSignal],
          ["health check", answer.healthCheck && quoteWords(answer.healthCheck.test)],
          ...answer.volumes.map((path) => ["volume", path]),
          ...answer.ports.map(({ port, protocol }) => ["port", `${port}/${protocol}`]),
          ...config.env.map(([name, value]) => ["variable", `${name}=${value}`]),
          ["size", formatBytes(sizeBytes)],
          ...answer.layers.map(({ digest, sizeBytes: bytes }) => [
            "layer",
            `${digest} ${formatBytes(bytes)}`,
          ]),
        ],
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
