/**
 * What a terminal shows after all that was written to it: as much of ECMA-48 as
 * progress uses, with automatic margins, and lines wrapped anew when the width changes.
 *
 * @module
 */

interface Row {
  text: string[];
  /** It goes on in the next row. */
  isWrapped: boolean;
}

export class TerminalGrid {
  #rows: Row[] = [{ text: [], isWrapped: false }];
  #row = 0;
  #column = 0;
  #columns: number;
  #height: number;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#height = rows;
  }

  /** Everything that was ever shown and not erased: what scrolled away, too. */
  get lines(): string[] {
    return logicalLines(this.#rows).map((text) => text.trimEnd());
  }

  /** What is on the screen now. */
  get screen(): string[] {
    return this.#rows.slice(this.#top).map(({ text }) => text.join("").trimEnd());
  }

  get #top(): number {
    return Math.max(0, this.#rows.length - this.#height);
  }

  /** Takes what a program writes; the terminal makes CR LF of its line feeds. */
  write(text: string): void {
    const pattern = /\x1b\[(\d*)([A-Za-z])|\x1b|[\s\S]/gu;
    for (const [all, number = "", command] of text.matchAll(pattern)) {
      if (command !== undefined) this.#control(Number(number || "0"), command);
      else if (all === "\n") this.#lineFeed();
      else if (all === "\r") this.#column = 0;
      else if (all < " ") throw new Error(`A terminal would act on ${JSON.stringify(all)}`);
      else this.#put(all);
    }
  }

  /** A user who pulls at the window; the cursor must be at the beginning of a line. */
  resize(columns: number, rows: number): void {
    const before = logicalLines(this.#rows.slice(0, this.#row)).length;
    this.#columns = columns;
    this.#height = rows;
    const wrapped = logicalLines(this.#rows).map((line) => wrap(line.trimEnd(), columns));
    this.#row = wrapped.slice(0, before).flat().length;
    this.#rows = wrapped.flat();
  }

  #control(number: number, command: string): void {
    const row = this.#current;
    if (command === "A") this.#row = Math.max(this.#top, this.#row - Math.max(1, number));
    else if (command === "K") cut(row, this.#column);
    else if (command === "J") {
      cut(row, this.#column);
      // The rows below are blank from now on, but they are there: the screen does not scroll back.
      for (const each of this.#rows.slice(this.#row + 1)) cut(each, 0);
    } else if (command !== "m") throw new Error(`Not known here: CSI ${number}${command}`);
  }

  get #current(): Row {
    return this.#rows[this.#row] ?? { text: [], isWrapped: false };
  }

  #lineFeed(): void {
    this.#row++;
    this.#column = 0;
    if (this.#row === this.#rows.length) this.#rows.push({ text: [], isWrapped: false });
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) {
      this.#current.isWrapped = true;
      this.#lineFeed();
    }
    const { text } = this.#current;
    while (text.length < this.#column) text.push(" ");
    text[this.#column++] = character;
  }
}

function cut(row: Row, column: number): void {
  row.text.length = Math.min(row.text.length, column);
  row.isWrapped = false;
}

function logicalLines(rows: readonly Row[]): string[] {
  const lines: string[] = [];
  let goesOn = false;
  for (const { text, isWrapped } of rows) {
    if (goesOn) lines.push((lines.pop() ?? "") + text.join(""));
    else lines.push(text.join(""));
    goesOn = isWrapped;
  }
  return lines;
}

function wrap(line: string, columns: number): Row[] {
  const characters = [...line];
  const count = Math.max(1, Math.ceil(characters.length / columns));
  return Array.from({ length: count }, (_, index) => ({
    text: characters.slice(index * columns, (index + 1) * columns),
    isWrapped: index < count - 1,
  }));
}
