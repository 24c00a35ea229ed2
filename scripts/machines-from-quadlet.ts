import { resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { convertQuadlets } from "../lib/podman/quadlet.ts";
import { answerConversion, conversionFlags, convertTools, readGivenText } from "./_conversion.ts";

const verb = defineVerb({
  name: "machines from-quadlet",
  summary: "turn quadlets into machine.toml files",
  description:
    "Each .container file becomes a machine; .volume, .network and .image files may be given beside them. What has no equivalent is named on standard error, with the reason and what to do instead.",
  reads: true,
  operands: { files: { kind: "file", label: "FILE", repeat: true, help: "quadlets" } },
  flags: conversionFlags,
  examples: [
    {
      command: "mbctl machines from-quadlet /etc/containers/systemd/web.container >web.toml",
      says: "one",
    },
    {
      command: "mbctl machines from-quadlet /etc/containers/systemd/* --output machines",
      says: "all of a host",
    },
  ],
  run(context, { files, ...flags }) {
    const paths = files.map((file) => resolve(context.workingDirectory, file));
    const quadlets = paths.map((path) => ({ path, text: readGivenText(path) }));
    const conversion = convertQuadlets(quadlets, convertTools(context.workingDirectory));
    return answerConversion(context, conversion, flags);
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
