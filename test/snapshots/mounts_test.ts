import { expect, test } from "bun:test";
import { requireNoMounts } from "../../lib/snapshots/mounts.ts";

test("requireNoMounts() names what is mounted at or below a folder", () => {
  expect(() => requireNoMounts(["/nothing/here", "/proc"], "clone")).toThrow(
    'Cannot clone "/proc": /proc is mounted in it',
  );
  requireNoMounts(["/nothing/here", "/etc/mbctl/templates"], "move");
});
