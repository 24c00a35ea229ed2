import { expect, test } from "bun:test";
import { describeDeviceRules } from "../../lib/host/device_rule.ts";
import { parseDevice } from "../../lib/spec/device.ts";
import { classRule, nodeRule } from "../../lib/spec/udev_rule.ts";

const serial = {
  name: "ttyUSB0",
  subsystem: "tty",
  group: "dialout",
  mode: 0o660,
  properties: {
    ID_VENDOR_ID: "0403",
    ID_MODEL_ID: "6001",
    ID_SERIAL_SHORT: "A50285BI",
    ID_SERIAL: "FTDI_FT232R_USB_UART_A50285BI",
  },
};

test.each([
  [
    serial,
    'SUBSYSTEM=="tty", ENV{ID_VENDOR_ID}=="0403", ENV{ID_MODEL_ID}=="6001", ENV{ID_SERIAL_SHORT}=="A50285BI", GROUP="dialout", MODE="0660"',
  ],
  [
    { ...serial, properties: { ID_VENDOR_ID: "0403", ID_MODEL_ID: "6001" } },
    'SUBSYSTEM=="tty", ENV{ID_VENDOR_ID}=="0403", ENV{ID_MODEL_ID}=="6001", GROUP="dialout", MODE="0660"',
  ],
  [
    { name: "snd/timer", subsystem: "sound", group: "audio", mode: 0o600, properties: {} },
    'SUBSYSTEM=="sound", KERNEL=="timer", GROUP="audio", MODE="0600"',
  ],
  // What a device says of itself must not end the text.
  [
    { ...serial, subsystem: undefined, properties: { ID_SERIAL: 'x", RUN+="/bin/sh' } },
    'KERNEL=="ttyUSB0", GROUP="dialout", MODE="0660"',
  ],
])("nodeRule() %#", (facts, rule) => {
  expect(nodeRule(facts)).toBe(rule);
});

test.each([
  ["char-ttyUSB", 'KERNEL=="ttyUSB*", GROUP="root", MODE="0660"'],
  ["block-loop*", 'SUBSYSTEM=="block", KERNEL=="loop*", GROUP="root", MODE="0660"'],
])("classRule() of %s", (source, rule) => {
  expect(classRule(source)).toBe(rule);
});

test("describeDeviceRules() says nothing of a node that everybody may open, or of none", () => {
  const devices = ["/dev/null", "/dev/zero", "/dev/no-such-node"].map(parseDevice);
  expect(describeDeviceRules(devices)).toEqual([]);
});

test("describeDeviceRules() prints a rule for a class", () => {
  const [text] = describeDeviceRules([parseDevice("char-ttyUSB")]);
  expect(text).toEndWith(
    '/etc/udev/rules.d/70-mbctl.rules: KERNEL=="ttyUSB*", GROUP="root", MODE="0660"',
  );
});
