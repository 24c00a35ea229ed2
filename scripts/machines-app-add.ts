import { requireRoom } from "../lib/apps/add_app.ts";
import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { requireRoot } from "../lib/host/privilege.ts";
import { resolveImagePath } from "../lib/image/reference.ts";
import { parseAppName } from "../lib/spec/app_name.ts";
import { addApp, applicationFlags, appNameOf, givenApp } from "./_add_app.ts";
import { machineOperand } from "./_app_verb.ts";
import { imageOperand, pullFlag, sourceFlags, sourceOptions } from "./_image_source.ts";
import { networkFlags } from "./_network_flags.ts";
import { changeTools, lockMachine } from "./_machine_change.ts";

const verb = defineVerb({
  name: "machines app add",
  summary: "run an image as a service of a booted machine",
  description: `The image's tree lies in the machine, below /oci/apps/APP/root, and its own systemd runs the program as oci-APP.service: journalctl, systemctl and systemctl edit work as for any service. Volumes that the image declares are data, in the machine's storage folder, unless --mount says otherwise.

Its ports are those of the machine's address; --publish adds a port of the host that leads to one of them to publish in machine.toml, where it stays when the application goes. A machine that runs is told at once. All choices are kept in [[apps]] of machine.toml.`,
  changes: true,
  progress: true,
  operands: { machine: machineOperand, image: imageOperand },
  flags: {
    name: {
      type: "string",
      value: "APP",
      parse: parseAppName,
      help: "what it is called; the image's name by default",
    },
    replace: {
      type: "boolean",
      help: "give the application of that name this image and these choices; its data is kept",
    },
    ...applicationFlags,
    publish: networkFlags.publish,
    ...pullFlag,
    ...sourceFlags,
  },
  tail: { args: { help: "words for the image's program, in place of its own command" } },
  examples: [
    { command: "mbctl machines app add office nginx:1", says: "as oci-nginx.service" },
    {
      command:
        "mbctl machines app add office postgres:17 --name db --env POSTGRES_PASSWORD=x -m 1g",
      says: "with a name, a variable and a limit",
    },
    {
      command: "mbctl machines app add office nginx:1 --name web -p 8080:80",
      says: "answers on port 8080 of the host too",
    },
    {
      command: "mbctl machines app add office nginx:2 --replace",
      says: "the newer image; data stays",
    },
  ],
  async run(
    context,
    { machine, image, name, replace, publish, pull, tlsVerify, authfile, args, ...flags },
  ) {
    const host = openHost(context);
    requireRoot("add applications");
    const ref = resolveImagePath(image, context.workingDirectory);
    const app = name ?? appNameOf(ref);
    const tools = changeTools(context, host, machine);
    using _lock = context.dryRun ? undefined : await lockMachine(tools, machine);
    requireRoom(host, machine, app, replace);
    const options = { ...sourceOptions(context, { tlsVerify, authfile }), policy: pull };
    const request = { ...givenApp(context, flags, machine, app, args), isStarted: true };
    const more = { mayReplace: replace, publish };
    await addApp(context, host, { machine, ref, request, options, ...more });
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
