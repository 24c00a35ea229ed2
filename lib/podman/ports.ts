/**
 * `--publish` in all its forms (podman-run(1)).
 *
 * @module
 */

import { usageError } from "../errors.ts";
import { parsePortRange, type Protocol } from "../network/port.ts";
import { parsePublishedPort, type PublishedPort } from "../network/published_port.ts";
import { type Draft, unsupported } from "./draft.ts";
import type { Given } from "./run_option.ts";

/** More ports than this are no list anybody wants to read; it is what one relay unit each would be. */
const mostPorts = 256;

/** `[[ADDRESS:]HOST[-LAST]:]MACHINE[-LAST][/udp]`. */
export function convertPublish(draft: Draft, { value, written }: Given): void {
  const found = /^(?:(?:(\[[^\]]*\]|[^:[\]]*):)?([0-9-]*):)?([0-9-]+)(?:\/([a-z]+))?$/.exec(value);
  if (!found) {
    throw usageError(
      `Cannot publish ${JSON.stringify(value)}: it is not [[ADDRESS:]HOST:]MACHINE[/udp]`,
      "write 8080:80, 127.0.0.1:8080:80 or 5353:53/udp",
    );
  }
  const [, address, host = "", machine = "", protocol = "tcp"] = found;
  if (protocol !== "tcp" && protocol !== "udp") {
    unsupported(draft, written, `only tcp and udp are published, not ${protocol}`);
    return;
  }
  if (host === "") {
    unsupported(
      draft,
      written,
      `mbctl chooses no port of the host for you: write HOST:${machine}; on its own address the machine answers there as it is`,
    );
    return;
  }
  const ports = [host, machine].map((text) => parsePortRange(`${text}/${protocol}`, value));
  const [outer, inner] = ports;
  if (outer === undefined || inner === undefined) return;
  const count = inner.last - inner.first + 1;
  if (outer.last - outer.first + 1 !== count) {
    unsupported(draft, written, "one of several ports of the host is not chosen for you");
    return;
  }
  if (count > mostPorts) {
    unsupported(
      draft,
      written,
      `${count} ports of the host are too many for one relay each; on its own address the machine answers on all`,
    );
    return;
  }
  for (let step = 0; step < count; step++) {
    draft.publish.push(publish(address, outer.first + step, inner.first + step, protocol));
  }
}

function publish(
  address: string | undefined,
  hostPort: number,
  machinePort: number,
  protocol: Protocol,
): PublishedPort {
  const before = address === undefined ? "" : `${address}:`;
  return parsePublishedPort(`${before}${hostPort}:${machinePort}/${protocol}`);
}
