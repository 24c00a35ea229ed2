import { COMPLETION_SHELLS, completionScript } from "../lib/cli/completion_scripts.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";

const verb = defineVerb({
  name: "completion",
  summary: "print the script that completes mbctl in a shell",
  description:
    "The script completes verbs, flags, names of machines, references of images in the cache, and files. It asks mbctl itself, so it need not be made again for a newer version.",
  operands: {
    shell: { kind: "choice", choices: COMPLETION_SHELLS, help: "the shell" },
  },
  examples: [
    { command: "source <(mbctl completion bash)", says: "in this bash" },
    {
      command: "mbctl completion bash > /etc/bash_completion.d/mbctl",
      says: "in every bash, where the package bash-completion is installed",
    },
    {
      command: "mbctl completion zsh > /usr/local/share/zsh/site-functions/_mbctl",
      says: "in every zsh",
    },
    {
      command: "mbctl completion fish > /etc/fish/completions/mbctl.fish",
      says: "in every fish",
    },
  ],
  run({ out }, { shell }) {
    out.write(completionScript(shell));
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
