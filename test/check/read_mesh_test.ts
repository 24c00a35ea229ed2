import { expect, test } from "bun:test";
import { multicastInterfaces } from "../../lib/check/read_mesh.ts";

test.each([
  ['{"multicast_interfaces": []}', []],
  ['{"multicast_interfaces": ["eth0", "srvgrp0"]}', ["eth0", "srvgrp0"]],
  ['{"multicast_interfaces": [{"name": "eth0", "address": "fe80::1"}]}', ["eth0"]],
  ['{"multicast_interfaces": [null, 7, {}]}', []],
  ["{}", []],
  ["null", []],
  ["Fatal error: dial unix: no such file", []],
] as const)("multicastInterfaces() reads %j", (text, names) => {
  expect(multicastInterfaces(text)).toEqual([...names]);
});
