/**
 * Which programs relay on a host.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { childArgument, selfCommand } from "../host/self.ts";
import type { RelayTools } from "./relay_service.ts";

/** Where systemd has it on all that merged /usr, Debian 12 and later among them. */
const socketProxyd = "/usr/lib/systemd/systemd-socket-proxyd";

/** Where `make install` and packages put mbctl. */
const installed = ["/usr/local/bin/mbctl", "/usr/bin/mbctl"];

/**
 * Finds the programs. Units outlive this process, so an installed mbctl is preferred to the one that runs; without
 * one the units name this very program, or the checkout that it runs from, which must then stay where they are.
 *
 * @param root where the host's file system begins.
 */
export function findRelayTools(root: string): RelayTools {
  const program = installed.find((path) => existsSync(join(root, path)));
  return {
    socketProxyd,
    ownRelay: program === undefined ? selfCommand("relay") : [program, `${childArgument}relay`],
  };
}
