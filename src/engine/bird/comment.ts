/** Text for a comment in bird.conf. */

/** A comment must not end before its line does. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  return text.replace(/[\u0000-\u001f\u007f]/g, ' ');
}
