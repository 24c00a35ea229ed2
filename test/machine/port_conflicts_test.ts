import { expect, test } from "bun:test";
import { findPortConflicts } from "../../lib/machine/port_conflicts.ts";
import { parseMachineName } from "../../lib/spec/machine_name.ts";
import { defaultChoices, type MachineSpec } from "../../lib/spec/machine_spec.ts";
import { defaultHostNetworks } from "../../lib/network/host_network.ts";
import { parseIpv4 } from "../../lib/network/ipv4.ts";
import { parsePublishedPort } from "../../lib/network/published_port.ts";
import { parseRelayPort } from "../../lib/network/relay_port.ts";

interface Words {
  readonly publish?: readonly string[];
  readonly relay6?: readonly string[];
  readonly ipv4?: string;
}

function spec(name: string, { publish = [], relay6 = [], ipv4 }: Words): MachineSpec {
  return {
    ...defaultChoices,
    name: parseMachineName(name),
    image: { reference: "x", digest: "sha256:a", manifestDigest: "sha256:a" },
    environment: [],
    volumes: [],
    publish: publish.map(parsePublishedPort),
    relay6: relay6.map(parseRelayPort),
    ...(ipv4 === undefined ? {} : { ipv4: parseIpv4(ipv4) }),
  };
}

const rows: readonly (readonly [what: string, a: Words, b: Words, messages: readonly string[]])[] =
  [
    [
      "what goes together",
      { publish: ["8080:80", "53:53", "53:53/udp"], ipv4: "10.199.0.2", relay6: ["53", "53/udp"] },
      { publish: ["8081:80"], ipv4: "10.199.0.127", relay6: ["auto", "80"] },
      [],
    ],
    [
      "a port of two machines",
      { publish: ["8080:80"] },
      { publish: ["127.0.0.1:8080:81"] },
      ['Cannot publish 127.0.0.1:8080:81 of "b": the port is that of the machine "a"'],
    ],
    [
      "a port that one machine names twice",
      {},
      { publish: ["80:80", "80:81"] },
      ['Cannot publish 80:81 of "b": 80:80 has the same port of the host'],
    ],
    [
      "a port that is relayed in two ways",
      { relay6: ["80", "80+proxy"] },
      {},
      ['Cannot relay 80+proxy of "a": the port is named twice'],
    ],
    [
      "an address of two machines",
      { ipv4: "10.199.0.9" },
      { ipv4: "10.199.0.9" },
      ['Cannot give 10.199.0.9 to "b": the machine "a" has it'],
    ],
    ...["10.199.0.1", "10.199.0.128", "1.2.3.4"].map(
      (ipv4) =>
        [
          `the address ${ipv4}`,
          {},
          { ipv4 },
          [`Cannot give ${ipv4} to "b": it is not one of 10.199.0.2 to 10.199.0.127`],
        ] as const,
    ),
  ];

test.each(rows)("findPortConflicts() judges %s", (_, a, b, messages) => {
  const found = findPortConflicts([spec("a", a), spec("b", b)], defaultHostNetworks.ipv4);
  expect(found.map(({ message }) => message)).toEqual([...messages]);
});
