/** Tools of converters that look at no real file, and what a conversion gives, as one text. */

import { type Conversion, describeRemark, renderConversion } from "../../lib/podman/conversion.ts";
import { type Draft, newDraft } from "../../lib/podman/draft.ts";
import type { Convert, ConvertTools } from "../../lib/podman/run_option.ts";

/** A host without files; relative paths are below /home/me. */
export const noFiles: ConvertTools = {
  readText(path) {
    throw new Error(`no file ${path}`);
  },
  kindOf: () => undefined,
  directory: "/home/me",
};

/** Tools that know some files, by absolute path. */
export function withFiles(files: Readonly<Record<string, string>>): ConvertTools {
  return {
    ...noFiles,
    readText: (path) => files[path] ?? noFiles.readText(path),
    kindOf: (path) => (path in files ? "other" : undefined),
  };
}

/** What one value becomes. */
export function converted(convert: Convert, value: string, tools: ConvertTools = noFiles): Draft {
  const draft = newDraft();
  convert(draft, { value, written: "it", tools });
  return draft;
}

/** All texts and all remarks, as a golden file has them. */
export function renderAll(conversion: Conversion): string {
  const texts = renderConversion(conversion).map(({ name, toml }) => `== ${name}.toml\n${toml}`);
  const remarks = conversion.remarks.map((remark) => `${remark.kind}: ${describeRemark(remark)}\n`);
  return `${texts.join("\n")}\n== remarks\n${remarks.join("")}`;
}
