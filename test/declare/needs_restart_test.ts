import { expect, test } from "bun:test";
import { restartReasons } from "../../lib/declare/needs_restart.ts";

const files = {
  nspawn: "# a comment\n[Exec]\nBoot=no\n\n[Files]\nBind=/a:/b:idmap\n",
  envFile: "# a comment\nA=b\n",
  unitDropIn: "[Service]\nExecStartPre=/bin/true\nTimeoutStopSec=20\nMemoryMax=1G\n",
};

test.each([
  ["nothing", {}, []],
  ["comments alone", { nspawn: files.nspawn.replace("a comment", "x"), envFile: "A=b\n" }, []],
  ["a limit", { unitDropIn: files.unitDropIn.replace("1G", "2G") }, []],
  ["what tells the program", { unitDropIn: `${files.unitDropIn}ExecStartPost=/bin/x\n` }, []],
  ["how it is stopped", { unitDropIn: files.unitDropIn.replace("20", "30") }, []],
  ["a new order", { unitDropIn: `${files.unitDropIn}[Unit]\nAfter=x.service\n` }, []],
  ["a bind", { nspawn: files.nspawn.replace("/b", "/c") }, ["container.nspawn"]],
  ["a variable", { envFile: "A=c\n" }, ["man8env.env"]],
  ["what runs before", { unitDropIn: files.unitDropIn.replace("true", "false") }, ["ExecStartPre"]],
  [
    "that copies are kept",
    { unitDropIn: `${files.unitDropIn}ExecStartPre=-/bin/sh -c 'x' mbctl-keep\n` },
    [],
  ],
  [
    "that links are looked for in volumes",
    { unitDropIn: `${files.unitDropIn}ExecStartPre=/bin/sh -c 'x' mbctl-volumes "/a/b"\n` },
    [],
  ],
  ["a device", { unitDropIn: `${files.unitDropIn}DeviceAllow=/dev/x rw\n` }, ["DeviceAllow"]],
  [
    "everything",
    { nspawn: "", envFile: "", unitDropIn: "" },
    ["container.nspawn", "man8env.env", "ExecStartPre"],
  ],
])("restartReasons() of %s", (_, after, reasons) => {
  expect(restartReasons(files, { ...files, ...after })).toEqual(reasons);
});
