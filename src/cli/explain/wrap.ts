/** Text in lines that fit a terminal. */

/** Columns of text. */
const WIDTH = 80;

/** Wrapped to the width, every line but the first begun with blanks. */
export function wrapped(text: string, by: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && by + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(by)}`);
}
