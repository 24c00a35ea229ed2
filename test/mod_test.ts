import { expect, test } from "bun:test";
import { join } from "node:path";
import * as mbctl from "mbctl";
import * as mod from "../lib/mod.ts";
import { expectGolden } from "./golden/golden.ts";

test("scripts of the project import it by its name", () => {
  expect(Object.keys(mbctl)).toEqual(Object.keys(mod));
});

test("lib/mod.ts exports what it did: a change here is a change for other people's scripts", () => {
  expectGolden("mod/exports.txt", `${Object.keys(mod).sort().join("\n")}\n`);
});

test("every exported function that parses has its formatter beside it", () => {
  const names = Object.keys(mod);
  const oneWay = ["parseDigest", "parseImageConfig", "parseImageConfigText", "parseMachineName"];
  const lonely = names
    .filter((name) => name.startsWith("parse") && !oneWay.includes(name))
    .filter((name) => !names.includes(name.replace("parse", "format")));
  expect(lonely).toEqual([]);
});

test("a script says what went wrong by kind and hint", () => {
  try {
    mbctl.parseMachineName("under_score");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(mbctl.MbctlError);
    const { kind, message, hint } = error as mbctl.MbctlError;
    expect({ kind, message, hint }).toEqual({
      kind: "usage",
      message: 'Cannot use "under_score" as a machine name: "_" is not allowed in it',
      hint: 'use letters, digits, "-" and ".", as in "web-1"',
    });
  }
});

test("an image's configuration becomes all files of a machine", () => {
  const image = mbctl.parseImageConfig({
    architecture: "amd64",
    os: "linux",
    config: {
      Entrypoint: ["/app"],
      Cmd: ["two words"],
      Env: ["A=b"],
      StopSignal: "SIGQUIT",
    },
    rootfs: { type: "layers", diff_ids: [] },
  });
  const digest = `sha256:${"0".repeat(64)}`;
  const files = mbctl.renderMachine(
    {
      name: mbctl.parseMachineName("web"),
      ...mbctl.defaultChoices,
      image: {
        reference: mbctl.formatImageRef(mbctl.parseImageRef("registry")),
        digest: mbctl.parseDigest(digest),
        manifestDigest: mbctl.parseDigest(digest),
      },
      environment: [["B", "it's"]],
      volumes: [],
    },
    image,
    {
      systemdVersion: 257,
      prefix: mbctl.parsePrefix("300:2e98:a4b0:1789::/64"),
      ...mbctl.defaultHostNetworks,
      stopTimeoutSec: 10,
      connection: { kind: "bridge" },
    },
  );
  expect(mbctl.nspawnText(mbctl.readNspawn(files.nspawn), "Network.Bridge")).toBe("srvgrp0");
  expect(mbctl.parseEnvFile(files.envFile).slice(-3)).toEqual([
    ["MAN8S_APPLICATION_ARGS", "/app 'two words'"],
    ["A", "b"],
    ["B", "it's"],
  ]);
});

test("the example runs, and prints what it did", async () => {
  const child = Bun.spawn([process.execPath, "examples/addresses.ts"], {
    cwd: join(import.meta.dir, ".."),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect({ exitCode: await child.exited, stderr }).toEqual({
    exitCode: 0,
    stderr: "",
  });
  expectGolden("mod/addresses.txt", stdout);
});
