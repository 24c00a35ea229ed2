import { expect, test } from "bun:test";
import { parsePrefix } from "../../lib/address/ipv6.ts";
import { findHost, parseQualifiedName, unknownHost } from "../../lib/names/qualified_name.ts";
import { whyTaken } from "../../lib/names/taken_name.ts";
import { type MachineName, parseMachineName } from "../../lib/spec/machine_name.ts";

const hosts = ["hostb", "HostC"].map((name) => ({ name, prefix: parsePrefix("300::/64") }));

test("parseQualifiedName() reads a machine, or a machine of a host", () => {
  expect(parseQualifiedName("web")).toEqual({ name: "web" as MachineName });
  expect(parseQualifiedName("Web.1@host-b.lan")).toEqual({
    name: "Web.1" as MachineName,
    host: "host-b.lan",
  });
});

test.each(["", "@", "web@", "@hostb", "web@a@b", "web@a b", "w b", "web@-x"])(
  "parseQualifiedName() refuses %j",
  (text) => expect(() => parseQualifiedName(text)).toThrow(/^Cannot (read|use) "/),
);

test("hosts are found by their name, and an unknown one is told which there are", () => {
  expect(findHost(hosts, "hostc")?.name).toBe("HostC");
  expect(findHost(hosts, "hostd")).toBeUndefined();
  expect(unknownHost("hostd", hosts).hint).toStartWith("there are: hostb, HostC; ");
  expect(unknownHost("hostd", []).hint).toBe("mbctl address import --ssh hostd --trust adds it");
});

const taken: readonly (readonly [name: string, reason: string | undefined])[] = [
  ["web", undefined],
  ["db", undefined],
  ["a.b", undefined],
  ["xhostb", undefined],
  ["hosta.x", undefined],
  ["HOSTA", "that is the name of this host"],
  ["hostb", "that is the name of a host in config.toml"],
  ["hostc", "that is the name of a host in config.toml"],
  ["localhost", "localhost is every machine's own (RFC 6761)"],
  ["x.LocalHost", "localhost is every machine's own (RFC 6761)"],
  ["x.hosta", 'names that end with ".hosta" are given by mbctl'],
  ["web.hostB", 'names that end with ".hostb" are given by mbctl'],
  ["x.mesh.internal", 'names that end with ".mesh.internal" are given by mbctl'],
  ["WEB", 'resolvers cannot tell it from "web"'],
];
test.each(taken)("whyTaken(%j) is %j", (name, reason) => {
  const machines = ["web", "db"].map(parseMachineName);
  expect(whyTaken(name, { hostName: "hosta", domain: "mesh.internal", hosts, machines })).toBe(
    reason as never,
  );
});
