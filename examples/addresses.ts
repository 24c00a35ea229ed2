/**
 * An admin script: the addresses of some machines for a hosts file, and by hand
 * two files as mbctl would write them. `bun examples/addresses.ts`
 */
import * as mbctl from "mbctl";

const prefix = mbctl.parsePrefix("300:2e98:a4b0:1789::/64");

console.log("# /etc/hosts");
for (const text of ["TestBWContainer3", "Man8Registry"]) {
  const name = mbctl.parseMachineName(text);
  const address = mbctl.machineAddressText(name, prefix);
  console.log(`${address} ${name.toLowerCase()}`);
}

console.log("\n# man8env.env: values verbatim, the command line quoted for sh");
const args = mbctl.formatApplicationArgs(["nginx", "-g", "daemon off;"]);
const envFile = mbctl.formatEnvFile([
  ["GREETING", `it's "$HOME", literally`],
  ["MAN8S_APPLICATION_ARGS", args],
]);
console.log(envFile);

console.log("# container.nspawn for systemd 257");
const storage = "/var/lib/man8machine_storage/Man8Registry";
const nspawn = mbctl.renderNspawn(
  {
    ...mbctl.DEFAULT_NSPAWN_SETTINGS,
    environment: [["LANG", "C.UTF-8"]],
    binds: [
      {
        source: `${storage}/var/lib/registry`,
        target: "/var/lib/registry",
        isIdmapped: true,
        isReadOnly: false,
      },
    ],
  },
  257,
);
console.log(nspawn.trimEnd());
