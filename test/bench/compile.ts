/**
 * Compiles a program as `make build` compiles mbctl.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../lab/run.ts";

/** Compiles `source` to the program `binary`, with the flags of the Makefile's build line. */
export async function compileProgram(source: string, binary: string): Promise<void> {
  const makefile = readFileSync(join(import.meta.dir, "../../Makefile"), "utf8");
  const flags =
    /^\t\$\(BUN\) (build --compile .*) scripts\/mbctl\.ts --outfile build\/mbctl$/m.exec(
      makefile,
    )?.[1];
  if (flags === undefined) throw new Error("Cannot find the build line in the Makefile");
  await run([process.execPath, ...flags.split(" "), source, "--outfile", binary]);
}
