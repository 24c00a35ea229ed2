import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { formatEventEntry } from "../../lib/watch/event_entry.ts";
import { messageIds } from "../../lib/watch/event_kinds.ts";

const machine = parseMachineName("web");

describe("formatEventEntry()", () => {
  test("writes a field a line", () => {
    expect(
      formatEventEntry({
        event: "upgrade",
        machine,
        message: "now runs app:2",
        fields: { fromDigest: "sha256:1", "to image": "app:2", exitStatus: 7, left: undefined },
        priority: 4,
      }),
    ).toBe(`MESSAGE=web: now runs app:2
MESSAGE_ID=${messageIds.upgrade}
PRIORITY=4
SYSLOG_IDENTIFIER=mbctl
MBCTL_EVENT=upgrade
MBCTL_MACHINE=web
MBCTL_FROM_DIGEST=sha256:1
MBCTL_TO_IMAGE=app:2
MBCTL_EXIT_STATUS=7
`);
  });

  test("lets no value or name begin a field of its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, name) => {
        const hostile = `${text}\nMBCTL_MACHINE=other\r\n_UID=0`;
        const lines = formatEventEntry({
          event: "apply",
          machine,
          message: hostile,
          fields: { [`x${name}`]: hostile },
        }).split("\n");
        expect(lines).toHaveLength(8);
        expect(lines.filter((line) => line.startsWith("MBCTL_MACHINE="))).toEqual([
          "MBCTL_MACHINE=web",
        ]);
        expect(lines.slice(0, -1).every((line) => /^[A-Z][A-Z0-9_]{0,63}=/.test(line))).toBe(true);
      }),
    );
  });
});

describe("messageIds", () => {
  test("are 128 bits in hexadecimal, one for each kind", () => {
    const ids = Object.values(messageIds);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });
});
