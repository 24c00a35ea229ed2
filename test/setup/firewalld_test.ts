import { expect, test } from "bun:test";
import { firewalldFiles } from "../../lib/setup/firewalld.ts";
import { expectGolden } from "../golden/golden.ts";

test("firewalldFiles() are a zone and the policies from and to it", () => {
  const files = firewalldFiles("srvgrp0");
  expect(files.map(({ path, mode }) => `${mode.toString(8)} ${path}`)).toEqual([
    "644 /etc/firewalld/zones/mbctl.xml",
    "644 /etc/firewalld/policies/mbctl-in.xml",
    "644 /etc/firewalld/policies/mbctl-out.xml",
  ]);
  expectGolden("setup/firewalld.xml", files.map(({ text }) => text).join("\n"));
});
