/** Durations as Go prints and reads them (`90s`, `2m30s`, `1.5h`), the form that Calico's resources carry. */

const SECONDS = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 } as const;

function isUnit(text: string): text is keyof typeof SECONDS {
  return Object.hasOwn(SECONDS, text);
}

/** @returns seconds, or undefined where `text` is no duration; negative ones are none here */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d*)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g)) {
    if (unit === undefined || !isUnit(unit)) return undefined;
    seconds += Number(amount) * SECONDS[unit];
  }
  return seconds;
}
