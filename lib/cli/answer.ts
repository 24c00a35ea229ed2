/**
 * The answer of a verb: what goes to standard output, and nothing else does.
 *
 * @module
 */

import type { TextSink } from "./io.ts";
import { renderJson } from "./json.ts";

export interface Answer {
  /** Text with a line feed added; styles and control characters are made fit for a terminal. */
  print(text: string): void;
  /** Text as it is, nothing added or changed: scripts, files. */
  write(text: string): void;
  /**
   * The answer of a verb that reads: `value` under `--json`, else the text. The
   * text must end in a line feed, or be empty.
   */
  answer(value: object, text: () => string): void;
}

/** An answer that goes to `styled` for people, to `plain` untouched. */
export function createAnswer(styled: TextSink, plain: TextSink, json: boolean): Answer {
  return {
    print: (text) => styled.write(`${text}\n`),
    write: (text) => plain.write(text),
    answer(value, text) {
      if (json) plain.write(renderJson(value));
      else styled.write(text());
    },
  };
}
