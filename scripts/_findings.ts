/** Findings of a check as a table: how it stands, what was looked at, what was seen, what mends it. */

import { renderTable } from "../lib/cli/table.ts";
import { style, type Style } from "../lib/cli/terminal.ts";
import type { Finding, Verdict } from "../lib/check/finding.ts";

const styles: Readonly<Record<Verdict, Style>> = {
  ok: "green",
  note: "dim",
  warning: "yellow",
  wrong: "red",
  missing: "red",
};

/** Renders a line for each finding. */
export function renderFindings(findings: readonly Finding[]): string {
  return renderTable(
    ["", "CHECK", "SEEN", "MEND"],
    findings.map(({ check, verdict, seen, mend }) => [
      style(styles[verdict], verdict),
      check,
      seen,
      mend,
    ]),
  );
}
