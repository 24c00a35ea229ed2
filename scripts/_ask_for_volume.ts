/** Asks what is to become of a volume that the image declares. */

import type { Prompt } from "../lib/cli/prompt.ts";
import { MbctlError } from "../lib/errors.ts";
import type { Volume } from "../lib/spec/machine_spec.ts";
import { parseMount } from "../lib/spec/volume.ts";

/**
 * The user's choice for one volume.
 *
 * @throws {MbctlError} (usage) without a terminal; the hint names the flag.
 */
export async function askForVolume(prompt: Prompt, path: string): Promise<Volume> {
  const kind = await prompt.select({
    message: `The image keeps data in ${path}. Where is it to be kept?`,
    flag: `--mount ${path}=config|data|skip|/path/on/the/host`,
    options: [
      { value: "data", label: "data", hint: "the machine's storage folder" },
      { value: "config", label: "config", hint: "the machine's configuration folder" },
      { value: "host", label: "a path of your own" },
      { value: "skip", label: "skip", hint: "in the root tree, lost with it" },
    ],
    initial: "data",
  });
  if (kind !== "host") return { path, kind };
  const source = await prompt.text({
    message: `Path on the host for ${path}`,
    flag: `--mount ${path}=/path/on/the/host`,
    placeholder: `/srv${path}`,
    validate: (text) => whyBadMount(path, text),
  });
  return parseMount(`${path}=${source}`);
}

function whyBadMount(path: string, source: string): string | undefined {
  try {
    return parseMount(`${path}=${source}`).kind === "host" ? undefined : "give an absolute path";
  } catch (error) {
    if (error instanceof MbctlError) return error.message;
    throw error;
  }
}
