/**
 * Templates: the kinds of network that a machine can have.
 *
 * @module
 */

/** A network of its own, with a MAC address of its own on an interface of the host. */
export interface MacvlanNetwork {
  readonly kind: "macvlan";
  /** The host's interface; empty in a template: that of the default route. */
  readonly parent: string;
  /** 1 to 4094: a tagged network on it (IEEE 802.1Q). */
  readonly vlan?: number | undefined;
}

/** How a machine is connected. */
export type NetworkKind =
  /** A network of its own, one virtual cable to the host's bridge; mesh, ULA and IPv4. */
  | { readonly kind: "bridge" }
  | MacvlanNetwork
  /** The host's own network. */
  | { readonly kind: "host" }
  /** A network of its own, with nothing in it but the loopback interface. */
  | { readonly kind: "private" };

export interface NetworkTemplate {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  /** What is given up with it, said when a machine is made; undefined: nothing. */
  readonly warning?: string | undefined;
  readonly network: NetworkKind;
}

/** The longest name of an interface (IFNAMSIZ - 1, linux/if.h). */
export const interfaceNameLength = 15;

/** An interface's name that can stand in a unit's shell script; the kernel would take far more (dev_valid_name()). */
export const interfaceNamePattern: RegExp = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;

/** The host's interface that a macvlan hangs on: the parent, or `PARENT.VLAN` as ip-link(8) and networkd call it. */
export function macvlanDevice({ parent, vlan }: MacvlanNetwork): string {
  return vlan === undefined ? parent : `${parent}.${vlan}`;
}

/** The name in the machine of its interface, as systemd-nspawn(1) gives it; empty where the network is not its own. */
export function machineInterface(network: NetworkKind): string {
  switch (network.kind) {
    case "bridge":
      return "host0";
    case "macvlan":
      return `mv-${macvlanDevice(network)}`.slice(0, interfaceNameLength);
    case "host":
      return "";
    case "private":
      return "lo";
  }
}
