import { describe, expect, test } from "bun:test";
import { isSameButPatterns, leaveOutBridge } from "../../lib/setup/multicast.ts";

/** As `yggdrasil -genconf` of 0.4 and 0.5 write it, and as JSON. */
const forms = {
  "0.4":
    "{\n  # Regex: .*\n  Peers: []\n  MulticastInterfaces:\n  [\n    {\n      Regex: .*\n      Beacon: true\n      Listen: true\n    }\n  ]\n  NodeInfo: {}\n}\n",
  "0.5": "{\n  MulticastInterfaces: [\n    {\n      Regex: .*\n      Beacon: true\n    }\n  ]\n}\n",
  JSON: '{\n  "MulticastInterfaces": [\n    {\n      "Regex": ".*",\n      "Beacon": true\n    }\n  ]\n}\n',
  "JSON on one line": '{"MulticastInterfaces":[{"Regex":".*","Beacon":true}],"Peers":[]}',
  "single quotes": "{ MulticastInterfaces: [ { Regex: '.*', Listen: true } ] }",
  "CR LF": "{\r\n  MulticastInterfaces: [\r\n {\r\n Regex: .*\r\n Listen: true\r\n}\r\n]\r\n}\r\n",
};

const normalised = (...entries: readonly object[]) =>
  JSON.stringify({ Peers: [], MulticastInterfaces: entries });
const everything = { Regex: ".*", Beacon: true, Listen: true };
const edit = (text: string, json: string, bridge = "srvgrp0", uplinks: string[] = []) =>
  leaveOutBridge(text, json, "ygg.conf", bridge, uplinks);

describe("leaveOutBridge()", () => {
  test.each(Object.entries(forms))("changes the one pattern and no other byte of %s", (_, text) => {
    const after = edit(text, normalised(everything));
    const at = text.indexOf(".*", text.indexOf("MulticastInterfaces"));
    expect(after).toBe(`${text.slice(0, at)}^(en|eth|wl|ww).*${text.slice(at + 2)}`);
  });

  test("goes on to look on uplinks of other names, and escapes them", () => {
    expect(edit(forms.JSON, normalised(everything), "srvgrp0", ["eth0", "br0.5"])).toContain(
      '"Regex": "^((en|eth|wl|ww).*|br0[.]5)$"',
    );
  });

  test.each([
    ["a pattern for cards", [{ Regex: "^(en|eth).*", Beacon: true }]],
    ["none at all", []],
    ["one that neither sends nor listens", [{ Regex: ".*", Beacon: false, Listen: false }]],
    ["flags in front", [{ Regex: "(?i)^ETH", Listen: true }]],
  ])("leaves %s alone", (_, entries) => {
    expect(edit(forms["0.5"], normalised(...entries))).toBe(forms["0.5"]);
  });

  test.each([
    ["^(en|s)", "srvgrp0"],
    ["vb-.*", "srvgrp0"],
    ["(?i)SRV", "srvgrp0"],
    ["^br", "br9"],
  ])("leaves the administrator's own pattern %s to them", (Regex, bridge) => {
    const text = `{ MulticastInterfaces: [{ Regex: "${Regex}", Beacon: true }] }`;
    expect(() => edit(text, normalised({ Regex, Beacon: true }), bridge)).toThrow(
      `Cannot keep yggdrasil's discovery off the bridge: the pattern ${JSON.stringify(Regex)} in ygg.conf matches ${bridge} or vb-NAME`,
    );
  });

  test("says so when it finds no text to edit: the default holds without MulticastInterfaces", () => {
    expect(() => edit("{}", normalised(everything))).toThrow(/^Cannot keep yggdrasil's discovery/);
  });

  test("refuses a pattern that it cannot read, and a bridge that is called like a card", () => {
    expect(() => edit("{}", normalised({ Regex: "[", Beacon: true }))).toThrow(
      /^Cannot understand the pattern "\["/,
    );
    expect(() => edit(forms.JSON, normalised(everything), "ethmachines")).toThrow(
      /^Cannot call the bridge "ethmachines"/,
    );
  });
});

test("isSameButPatterns() sees every other change", () => {
  const [a, b] = [{ ...everything }, { ...everything, Regex: "^x" }];
  expect(isSameButPatterns(normalised(a), normalised(b))).toBe(true);
  expect(isSameButPatterns(normalised(a), normalised({ ...b, Listen: false }))).toBe(false);
  expect(isSameButPatterns(normalised(a), normalised(a, b))).toBe(false);
  expect(isSameButPatterns('{"Peers":[]}', '{"Peers":["tls://x"]}')).toBe(false);
});
