import { runScript } from "../lib/cli/main.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { openHost } from "../lib/host/host.ts";
import { readHostIdentity } from "../lib/host/yggdrasil.ts";
import { readHostState } from "../lib/machine/derive.ts";
import { documentFields, formatHostDocument } from "../lib/names/host_document.ts";
import { bridgeMachines } from "../lib/names/known_names.ts";

const verb = defineVerb({
  name: "address export",
  summary: "print this host's name, key and machines, for another host",
  description:
    "A TOML document for mbctl address import on a host that is to know this one. Nothing in it is secret: the public key, the addresses that follow from it, and names.",
  reads: true,
  examples: [
    { command: "mbctl address export >hosta.toml", says: "to be carried to another host" },
    {
      command: "mbctl address export | ssh hostb mbctl address import - --trust",
      says: "makes this host known to hostb",
    },
  ],
  async run(context) {
    const host = openHost(context);
    const state = await readHostState(host);
    const document = {
      host: state.hostName,
      ...(await readHostIdentity(host)),
      machines: bridgeMachines(state),
    };
    context.out.answer(documentFields(document), () => formatHostDocument(document));
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
