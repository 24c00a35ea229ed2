import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { convertRunCommand } from "../lib/podman/run_command.ts";
import { splitShellWords } from "../lib/podman/shell_words.ts";
import { answerConversion, conversionFlags, convertTools } from "./_conversion.ts";

const verb = defineVerb({
  name: "machines from-run",
  summary: "turn a podman run or docker run into a machine.toml",
  description:
    "The command is one quoted word, or the words after --. Prints a machine.toml for mbctl machines apply. Each option that has no equivalent is named on standard error, with the reason and what to do instead; nothing is run, and nothing is changed.",
  reads: true,
  operands: {
    command: {
      kind: "text",
      optional: true,
      help: "the command as it stands in a document, quoted as one word",
    },
  },
  flags: conversionFlags,
  tail: { words: { help: "the command, word by word" } },
  examples: [
    {
      command: "mbctl machines from-run 'docker run -p 8080:80 nginx:1.27' >nginx.toml",
      says: "from a document",
    },
    {
      command: 'mbctl machines from-run -o machines -- podman run -v "$PWD:/data" redis',
      says: "the shell fills in the variable",
    },
  ],
  run(context, { command, words, ...flags }) {
    if ((command === undefined) === (words.length === 0)) {
      throw usageError(
        `Cannot convert: ${command === undefined ? "no command is given" : "two commands are given"}`,
        "mbctl machines from-run 'podman run OPTIONS IMAGE …'",
      );
    }
    const given = command === undefined ? words : splitShellWords(command);
    const tools = convertTools(context.workingDirectory);
    return answerConversion(context, convertRunCommand(given, tools), flags);
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
