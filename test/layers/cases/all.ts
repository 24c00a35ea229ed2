/** All cases of layers whose trees are compared with the reference, by noun. */

import { belowLinks } from "./below_links.ts";
import type { LayerCase } from "./case.ts";
import { duplicates } from "./duplicates.ts";
import { escapes } from "./escapes.ts";
import { format } from "./format.ts";
import { metadata } from "./metadata.ts";
import { names } from "./names.ts";
import { nodes } from "./nodes.ts";
import { paxHeaders } from "./pax_headers.ts";
import { scale } from "./scale.ts";
import { sparse } from "./sparse.ts";
import { typeChanges } from "./type_changes.ts";
import { whiteouts } from "./whiteouts.ts";

export const allCases: Readonly<Record<string, readonly LayerCase[]>> = {
  "below links": belowLinks,
  escapes,
  "type changes": typeChanges,
  duplicates,
  whiteouts,
  metadata,
  nodes,
  names,
  format,
  "PAX headers": paxHeaders,
  "sparse files": sparse,
  scale,
};
