/**
 * The host's policy.json: found where skopeo finds it.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { childEnvironment } from "../host/run.ts";
import { type Policy, parsePolicy } from "./policy.ts";

/** The system's policy. */
const systemFile = "/etc/containers/policy.json";

/** A policy file, and what was understood of it. */
export interface PolicyFile {
  readonly file: string;
  /** Undefined where only skopeo can say what it means. */
  readonly policy: Policy | undefined;
}

/**
 * Reads the policy that skopeo (1.9.3 to 1.22) applies: the user's, else the
 * system's.
 *
 * @param file this one instead.
 * @returns undefined when there is none, which skopeo refuses.
 */
export function readPolicy(file?: string): PolicyFile | undefined {
  const home = childEnvironment().HOME || userInfo().homedir;
  const candidates = [join(home, ".config/containers/policy.json"), systemFile];
  const path = file ?? candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  try {
    return { file: path, policy: parsePolicy(readFileSync(path, "utf8")) };
  } catch {
    // Not there, or not ours to read: skopeo says which.
    return { file: path, policy: undefined };
  }
}
