import { afterEach, expect, test } from "bun:test";
import { closeSync } from "node:fs";
import { probePort } from "../../lib/host/port_use.ts";
import { listenSocket } from "../relay/_relay.ts";

const open: number[] = [];
afterEach(() => {
  for (const descriptor of open.splice(0)) closeSync(descriptor);
});

/** A port that we listen on, and nobody by the other protocol. */
function taken(protocol: "tcp" | "udp", address: string): number {
  for (;;) {
    const { descriptor, port } = listenSocket(protocol, address);
    open.push(descriptor);
    if (probePort(protocol === "tcp" ? "udp" : "tcp", port) === "free") return port;
  }
}

test.each(["tcp", "udp"] as const)("probePort() finds who has a port of %s", (protocol) => {
  const port = taken(protocol, "127.0.0.1");
  expect(probePort(protocol, port)).toBe("taken");
  expect(probePort(protocol, port, "127.0.0.1")).toBe("taken");
  expect(probePort(protocol, port, "0.0.0.0")).toBe("taken");
  expect(probePort(protocol, port, "127.0.0.2")).toBe("free");
  expect(probePort(protocol, port, "::1")).toBe("free");
  expect(probePort(protocol, port, "::")).toBe("free");
  expect(probePort(protocol === "tcp" ? "udp" : "tcp", port)).toBe("free");
});

test("probePort() finds a port of IPv6 and of both", () => {
  const one = taken("tcp", "::1");
  expect([probePort("tcp", one), probePort("tcp", one, "127.0.0.1")]).toEqual(["taken", "free"]);
  const both = taken("tcp", "::");
  expect(probePort("tcp", both, "127.0.0.1")).toBe("taken");
});

test("probePort() leaves nothing behind", () => {
  const { descriptor, port } = listenSocket("tcp", "::");
  closeSync(descriptor);
  expect([probePort("tcp", port), probePort("tcp", port)]).toEqual(["free", "free"]);
  open.push(listenSocket("tcp", "::", port).descriptor);
});

test("probePort() tells an address that the host has not", () => {
  expect(probePort("tcp", 8080, "192.0.2.77")).toBe("no such address");
  expect(probePort("udp", 8080, "2001:db8::77")).toBe("no such address");
});
