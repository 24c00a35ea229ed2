import { expect, test } from "bun:test";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { parseRelayPort } from "../../lib/network/relay_port.ts";
import { publishUnit, relayMachine, relayUnit, unitPattern } from "../../lib/relay/unit_names.ts";

const web = parseMachineName("web-1");

test.each([
  ["80", "mbctl-relay6_web-1@"],
  ["auto+proxy", "mbctl-relay6-proxy_web-1@"],
  ["53/udp", "mbctl-relay6-udp_web-1@"],
  ["53/udp+proxy", "mbctl-relay6-udp-proxy_web-1@"],
])("relayUnit() of %s is %s", (port, unit) => {
  expect(relayUnit(web, parseRelayPort(port))).toBe(unit);
});

test.each([
  ["8080:80", "mbctl-publish_web-1_8080"],
  ["8080:80/udp", "mbctl-publish_web-1_8080-udp"],
  ["192.0.2.1:8080:80", "mbctl-publish_web-1_8080-192.0.2.1"],
  ["[::1]:8080:80/udp", "mbctl-publish_web-1_8080-udp-::1"],
])("publishUnit() of %s is %s", (port, unit) => {
  expect(publishUnit(web, parsePublishedPort(port))).toBe(unit);
});

test.each([
  ["mbctl-relay6_a.b@.socket", "a.b"],
  ["mbctl-relay6-proxy_web@.service", "web"],
  ["mbctl-relay6_web.service", "web"],
  ["mbctl-netns_web.service", "web"],
  ["mbctl-publish_web_8080-udp-::1.socket", "web"],
  ["mbctl-publish_web.socket", undefined],
  ["mbctl-firewall.service", undefined],
  ["mbctl-relay6_.service", undefined],
  ["mbctl-relay6_web.service.d", undefined],
  ["systemd-nspawn@web.service", undefined],
])("relayMachine() of %s is %p", (file, name) => {
  expect(relayMachine(file)).toBe(name as never);
});

test("unitPattern() stands for all instances of a template", () => {
  expect(unitPattern("mbctl-relay6_web@.socket")).toBe("mbctl-relay6_web@*.socket");
  expect(unitPattern("mbctl-relay6_web.service")).toBe("mbctl-relay6_web.service");
});
