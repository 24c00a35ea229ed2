/**
 * The process that runs what one machine lends to another: `--mbctl-internal=connector-serve CLIENT SERVER`. Its listening
 * socket comes from systemd. Importing it does the work.
 *
 * @module
 */

import process from "node:process";
import { openHost } from "../host/host.ts";
import { parseMachineName } from "../spec/machine_name.ts";
import { isAllowedPeer } from "./allowed_peer.ts";
import { machineCalls } from "./machine_calls.ts";
import { serveConnector } from "./server.ts";
import { hostCaller } from "../connector/unit_names.ts";

/** sd_listen_fds(3): the first behind standard error. */
const listener = 3;
/** A server that nobody uses goes; its socket stays, and starts it again. */
const exitIdleMs = 30_000;

const [caller = "", lender = ""] = process.argv.slice(-2);
const client = caller === hostCaller ? caller : parseMachineName(caller);
const server = parseMachineName(lender);
const host = openHost({ root: "/", log: { command() {} } });

await serveConnector({
  listener,
  exitIdleMs,
  name: `${client}_${server}`,
  isAllowed: (peer) => isAllowedPeer(client, peer),
  plan: machineCalls(host, server),
});
