import { expect, test } from "bun:test";
import { enableUnit } from "../../lib/os/enable_unit.ts";
import { link } from "../../lib/os/tree_change.ts";
import type { TreeView } from "../../lib/os/tree_view.ts";

/** A tree of these files alone. */
function viewOf(files: Readonly<Record<string, string>>): TreeView {
  return {
    kind: (path) => (files[path] === undefined ? undefined : "file"),
    read: (path) => files[path],
    list: () => [],
  };
}

const units = "/usr/lib/systemd/system";
const own = "/etc/systemd/system";

test("enableUnit() makes a link for each name in [Install], and for the units that go with it", () => {
  const view = viewOf({
    [`${units}/a.service`]:
      "[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=x.target y.target\nRequiredBy=z.target\nAlias=b.service\nAlso=a.socket\n",
    // Each names the other: once is enough.
    [`${units}/a.socket`]: "[Install]\nWantedBy=sockets.target\nAlso=a.service\n",
  });
  const service = `${units}/a.service`;
  expect(enableUnit(view, "a.service")).toEqual([
    link(`${own}/x.target.wants/a.service`, service),
    link(`${own}/y.target.wants/a.service`, service),
    link(`${own}/z.target.requires/a.service`, service),
    link(`${own}/b.service`, service),
    link(`${own}/sockets.target.wants/a.socket`, `${units}/a.socket`),
  ]);
});

test("enableUnit() does nothing for a unit that is not there, and for one that need not be looked at", () => {
  const view = viewOf({ [`${units}/a.service`]: "[Install]\nAlso=b.service\n" });
  expect(enableUnit(view, "b.service")).toEqual([]);
  expect(enableUnit(view, "a.service", new Set(["b.service"]))).toEqual([]);
});
