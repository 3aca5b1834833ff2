/** Text in lines that fit a terminal, or a cell of a table. */

/** Columns of text. */
const WIDTH = 80;

/** Wrapped to the width, every line but the first begun with blanks. */
export function wrapped(text: string, by: number): string {
  return linesOf(text, WIDTH - by).join(`\n${' '.repeat(by)}`);
}

/** Lines of at most this many characters, broken between words; a longer word has a line of its own. */
export function linesOf(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
