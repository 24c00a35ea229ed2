import { dirname, resolve } from "node:path";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { convertCompose } from "../lib/podman/compose_file.ts";
import { readVariables } from "../lib/podman/dotenv.ts";
import { answerConversion, conversionFlags, convertTools, readGivenText } from "./_conversion.ts";

const verb = defineVerb({
  name: "machines from-compose",
  summary: "turn a compose file into machine.toml files",
  description:
    "Each service becomes a machine. Variables of the file (${NAME}) have the values that --env-file gives, or their defaults; neither .env nor the environment is read unasked. What has no equivalent is named on standard error, with the reason and what to do instead.",
  reads: true,
  operands: { file: { kind: "file", help: "compose.yaml" } },
  flags: {
    ...conversionFlags,
    envFile: {
      type: "string",
      value: "FILE",
      kind: "file",
      repeat: true,
      help: "values for the variables of the file, as in .env",
    },
    profile: {
      type: "string",
      value: "NAME",
      repeat: true,
      help: "services of this profile too",
    },
  },
  examples: [
    {
      command: "mbctl machines from-compose compose.yaml --output machines",
      says: "a file for each service",
    },
    {
      command: "mbctl machines from-compose compose.yaml --env-file .env --json",
      says: "for a program",
    },
  ],
  run(context, { file, envFile, profile, ...flags }) {
    const path = resolve(context.workingDirectory, file);
    const variables = readVariables(
      envFile.map((name) => ({
        name,
        text: readGivenText(resolve(context.workingDirectory, name)),
      })),
    );
    const conversion = convertCompose(readGivenText(path), file, {
      variables,
      profiles: profile,
      tools: convertTools(dirname(path)),
    });
    return answerConversion(context, conversion, flags);
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
