/**
 * The relaying process: takes its listening socket from systemd (sd_listen_fds(3): the first descriptor behind
 * standard error), what to do from its command line, and relays until nobody has come for a while. Importing it
 * does the work. It ends by SIGTERM like any program.
 *
 * @module
 */

import process from "node:process";
import { DatagramRelay } from "./datagram_relay.ts";
import { EventLoop } from "./event_loop.ts";
import { parseRelayOptions } from "./relay_options.ts";
import { StreamRelay } from "./stream_relay.ts";

const listener = 3;
/** How often clients that are silent are looked for. */
const tickMs = 1000;

const options = parseRelayOptions(process.argv.slice(-6));
const loop = new EventLoop();
const relay =
  options.protocol === "tcp"
    ? new StreamRelay(loop, listener, options)
    : new DatagramRelay(loop, listener, options);

let lastClientMs = performance.now();
loop.run(tickMs, () => {
  relay.sweep();
  if (relay.clients > 0) lastClientMs = performance.now();
  else if (performance.now() - lastClientMs > options.exitIdleMs) loop.end();
});
