import { describe, expect, test } from "bun:test";
import { parseInterfaces, parseRoutes, parseRules } from "../../lib/check/ip_json.ts";

/** `ip -json address` in a machine, iproute2 6.15; what is not read is left out of some objects. */
const addresses =
  '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK"],"operstate":"DOWN","addr_info":[]},{"ifindex":2,"link_index":4,"ifname":"host0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"qdisc":"noqueue","operstate":"UP","group":"default","txqlen":1000,"link_type":"ether","address":"1e:92:a6:f4:c0:a0","broadcast":"ff:ff:ff:ff:ff:ff","link_netnsid":0,"addr_info":[{"family":"inet","local":"10.199.0.232","prefixlen":24,"broadcast":"10.199.0.255","scope":"global","label":"host0","valid_life_time":4294967295,"preferred_life_time":4294967295},{"family":"inet6","local":"303:db03:7e13:aaba:8bce:699e:8b33:20bc","prefixlen":64,"scope":"global","deprecated":true,"dadfailed":true,"tentative":true,"valid_life_time":4294967295,"preferred_life_time":0},{"family":"mpls","local":"x"},{}]}]';

describe("parseInterfaces()", () => {
  test("reads names, flags and addresses of both families", () => {
    const plain = { isDuplicate: false };
    expect(parseInterfaces(addresses)).toEqual([
      { name: "lo", isUp: false, hasCarrier: false, addresses: [] },
      {
        name: "host0",
        isUp: true,
        hasCarrier: true,
        addresses: [
          { family: "ipv4", address: "10.199.0.232", scope: "global", ...plain },
          {
            family: "ipv6",
            address: "303:db03:7e13:aaba:8bce:699e:8b33:20bc",
            scope: "global",
            isDuplicate: true,
          },
        ],
      },
    ]);
  });
});

describe("parseRoutes()", () => {
  test("reads gateways and sources", () => {
    const text =
      '[{"dst":"default","gateway":"10.199.0.1","dev":"host0","flags":[]},{"dst":"200::/7","gateway":"303::1","dev":"host0","table":"199","prefsrc":"303::7","metric":1024}]';
    expect(parseRoutes(text)).toEqual([
      { to: "default", gateway: "10.199.0.1", source: undefined },
      { to: "200::/7", gateway: "303::1", source: "303::7" },
    ]);
  });
});

describe("parseRules()", () => {
  test("reads the destination with its length, where there is one", () => {
    const text =
      '[{"priority":0,"src":"all","table":"local"},{"priority":199,"src":"all","dst":"200::","dstlen":7,"table":"199"},{"priority":5,"src":"all","dst":"300::1","table":"5"}]';
    expect(parseRules(text)).toEqual([
      { priority: 0, to: undefined, table: "local" },
      { priority: 199, to: "200::/7", table: "199" },
      { priority: 5, to: "300::1", table: "5" },
    ]);
  });
});

test.each([
  '[{"priority":5}]',
  '[{"table":"5"}]',
  "",
  "\n",
  "[]",
  "[ ]",
  "[{},{}]",
  "[null, 7]",
  "{}",
  '"x"',
  "Cannot find device",
  "[{",
])("an answer with nothing in it is an empty list: %j", (text) => {
  expect([parseInterfaces(text), parseRoutes(text), parseRules(text)]).toEqual([[], [], []]);
});
