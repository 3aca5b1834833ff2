/** The one order of everything that has a name: by UTF-16 code units, whatever the locale. */

export function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return byText(a.name, b.name);
}

export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where `name` stands, or would stand, in a list sorted by name. */
export function positionOf(list: readonly { readonly name: string }[], name: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = list[middle];
    if (item !== undefined && item.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
