/**
 * Encrypts and decrypts by systemd-creds(1): with the TPM where there is one, else with the host's key in
 * /var/lib/systemd/credential.secret. Values go through pipes alone.
 *
 * @module
 */

import { MbctlError } from "../errors.ts";
import { CommandError, type Run } from "../host/run.ts";

/** A TPM may take its time. */
const timeoutMs = 60_000;

/**
 * @returns the encrypted value, as text.
 * @throws {MbctlError} (host) without systemd-creds, (tool) when it cannot encrypt.
 */
export async function sealSecret(run: Run, name: string, value: Uint8Array): Promise<string> {
  const argv = ["systemd-creds", "encrypt", `--name=${name}`, "--with-key=auto", "-", "-"];
  const { stdout } = await run(argv, { input: Buffer.from(value), timeoutMs });
  return stdout;
}

/**
 * @param file of an encrypted value.
 * @throws {MbctlError} (host) without systemd-creds, (failed) when the file is damaged, of another host or of another name.
 */
export async function openSecret(run: Run, name: string, file: string): Promise<Uint8Array> {
  const argv = [
    ...["systemd-creds", "decrypt", `--name=${name}`, "--transcode=base64", "--newline=no"],
    ...[file, "-"],
  ];
  try {
    const { stdout } = await run(argv, { timeoutMs });
    return Buffer.from(stdout, "base64");
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // Not the error itself: it could quote what the program wrote, the value.
    const said = error.result.stderr.trim();
    throw new MbctlError("failed", `Cannot decrypt "${file}": systemd-creds refuses it`, {
      hint: "it is damaged, or was encrypted on another host or under another name; mbctl secrets set sets it anew",
      ...(said === "" ? {} : { cause: new Error(said) }),
    });
  }
}
