/** The text that goes with Cease/Administrative Shutdown (RFC 9003). */

/** RFC 8203 took 128 bytes, RFC 9003 takes 255; BIRD cuts at 128, maybe in the middle of a character. */
const MOST_BYTES = 128;

/** The message as BIRD's command line can hold it: it has no escape for a quote. */
export function shutdownText(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  const letters = [...message.replaceAll('"', "'").replace(/[\u0000-\u001f\u007f]/g, ' ')];
  let bytes = 0;
  const taken = letters.findIndex((letter) => {
    bytes += Buffer.byteLength(letter);
    return bytes > MOST_BYTES;
  });
  return (taken < 0 ? letters : letters.slice(0, taken)).join('');
}
