/**
 * mbctl's own templates: the files of systemd-configs/templates/, embedded as text.
 *
 * @module
 */
import host from "../../systemd-configs/templates/host.toml" with { type: "text" };
import macvlan from "../../systemd-configs/templates/macvlan.toml" with { type: "text" };
import networkIsolated from "../../systemd-configs/templates/network_isolated.toml" with { type: "text" };
import privateNetwork from "../../systemd-configs/templates/private.toml" with { type: "text" };

/** The text of each, by name; no file of the administrator's may have such a name. */
export const builtinTemplates: ReadonlyMap<string, string> = new Map([
  ["network_isolated", networkIsolated],
  ["macvlan", macvlan],
  ["host", host],
  ["private", privateNetwork],
]);
