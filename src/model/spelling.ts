/** Which known word a mistyped one is likely to mean. */

/** Levenshtein's distance: how many letters to put in, leave out or change. */
export function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, counterpart] of [...other].entries()) {
      const changed = (row[column] ?? 0) + (letter === counterpart ? 0 : 1);
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** The known word that `typed` is nearest to; undefined where none is near. Case, `-` and `_` count for nothing. */
export function nearestOf(typed: string, known: Iterable<string>): string | undefined {
  const plain = plainOf(typed);
  const allowed = Math.min(3, Math.floor(plain.length / 3));
  let nearest: string | undefined;
  let least = allowed + 1;
  for (const word of known) {
    const far = distance(plain, plainOf(word));
    if (far < least) {
      least = far;
      nearest = word;
    }
  }
  return nearest;
}

function plainOf(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, '');
}
