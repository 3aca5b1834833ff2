/**
 * When a session came into its state, as the BIRD engine shows it: the time of day within a day, else the date (UTC).
 */
export const DAY_MS = 86_400_000;

/** @param moment milliseconds since 1970; `now`: the same for the present */
export function showTime(moment: number, now: number): string {
  const text = new Date(moment).toISOString();
  return now - moment < DAY_MS ? text.slice(11, 23) : text.slice(0, 10);
}
