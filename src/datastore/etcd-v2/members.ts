/**
 * Which member of the cluster to ask. The one that answered last is asked again; one that failed is passed over
 * for a while, longer each time, and asked all the same when no other is left.
 */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

export interface Members {
  /** All members, in the order in which to ask them. */
  order(): readonly string[];
  succeeded(endpoint: string): void;
  failed(endpoint: string): void;
}

/**
 * @param endpoints at least one
 * @param now milliseconds of a clock that never goes back
 */
export function createMembers(
  endpoints: readonly string[],
  now: () => number = () => performance.now(),
): Members {
  const members = endpoints.map((endpoint) => ({ endpoint, failures: 0, until: 0 }));
  let preferred: string | undefined;
  const find = (endpoint: string) => members.find((member) => member.endpoint === endpoint);
  return {
    order() {
      const time = now();
      const rank = (member: (typeof members)[number]): number => {
        if (member.until > time) return member.until;
        return member.endpoint === preferred ? -1 : 0;
      };
      // Sorting is stable: members of equal rank stay in the order in which they were given.
      return [...members].sort((a, b) => rank(a) - rank(b)).map((member) => member.endpoint);
    },
    succeeded(endpoint) {
      const member = find(endpoint);
      if (member === undefined) return;
      member.failures = 0;
      member.until = 0;
      preferred = endpoint;
    },
    failed(endpoint) {
      const member = find(endpoint);
      if (member === undefined) return;
      member.until = now() + Math.min(LONGEST_MS, FIRST_MS * 2 ** member.failures);
      member.failures += 1;
      if (preferred === endpoint) preferred = undefined;
    },
  };
}
