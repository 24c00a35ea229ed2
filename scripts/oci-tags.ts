import { runScript } from "../lib/cli/main.ts";
import { renderTable } from "../lib/cli/table.ts";
import { defineVerb } from "../lib/cli/verb.ts";
import { usageError } from "../lib/errors.ts";
import { openHost } from "../lib/host/host.ts";
import { formatImageRef } from "../lib/image/reference.ts";
import { listTags } from "../lib/registry/list_tags.ts";
import { imageOperand, sourceFlags, sourceOptions } from "./_image_source.ts";

const verb = defineVerb({
  name: "oci tags",
  summary: "list the tags that a registry offers",
  description:
    "Asks the registry for all tags of a repository; a tag or digest in the name is not looked at.",
  reads: true,
  operands: { repository: { ...imageOperand, help: "REGISTRY/NAME" } },
  flags: sourceFlags,
  examples: [{ command: "mbctl oci tags docker.io/library/nginx", says: "one tag on each line" }],
  async run(context, { repository, tlsVerify, authfile }) {
    if (repository.transport !== "docker") {
      throw usageError(
        `Cannot list the tags of ${formatImageRef(repository)}: it is no repository of a registry`,
        "name one, as in docker.io/library/nginx",
      );
    }
    const { tag: _, digest: __, ...named } = repository;
    const { run } = openHost(context);
    const tags = await listTags(run, named, sourceOptions(context, { tlsVerify, authfile }));
    const answer = { repository: formatImageRef(named), tags };
    context.out.answer(answer, () =>
      renderTable(
        ["TAG"],
        tags.map((tag) => [tag]),
      ),
    );
    return undefined;
  },
});
export default verb;

if (import.meta.main) await runScript(verb);
