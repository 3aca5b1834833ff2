/**
 * Finds the sections that BIRD refuses, so that one bad peer never freezes the file for all others (the fault
 * of every confd-made configuration). BIRD names the line of an error; the section of that line is the suspect,
 * and is convicted when BIRD also refuses it alone. Where the line misleads (an open brace is noticed later),
 * halving finds the culprits. The number of checks is bounded.
 */
import type { Complaint } from './binary.ts';
import type { Section } from './render.ts';

export interface Culprit {
  readonly owner: string;
  readonly message: string;
}

export type Verdict =
  | { readonly type: 'accepted'; readonly culprits: readonly Culprit[] }
  /** What is refused belongs to no session: nothing can be left out. */
  | { readonly type: 'refused'; readonly message: string };

/** A check costs some 5 ms for one session and 30 ms for thousands: seconds at the very most. */
const MOST_CHECKS = 400;

/**
 * @param render the sections that remain when these owners are left out
 * @param check BIRD's complaint about a text, or undefined where it accepts it
 */
export async function isolate(
  render: (without: ReadonlySet<string>) => readonly Section[],
  check: (text: string) => Promise<Complaint | undefined>,
): Promise<Verdict> {
  const culprits: Culprit[] = [];
  const without = new Set<string>();
  let checks = 0;
  let last: Complaint | undefined;
  let commonParts: { readonly complaint: Complaint | undefined } | undefined;

  async function judge(sections: readonly Section[]): Promise<Complaint | undefined> {
    checks += 1;
    return check(sections.map((section) => section.text).join(''));
  }

  function convict(owner: string, complaint: Complaint): void {
    without.add(owner);
    culprits.push({ owner, message: complaint.message });
  }

  /** All owners but `owners` left out, besides those already convicted. */
  function only(owners: readonly string[], all: readonly string[]): readonly Section[] {
    const kept = new Set(owners);
    return render(new Set([...without, ...all.filter((owner) => !kept.has(owner))]));
  }

  /** What BIRD has against the parts that belong to no one; asked once. */
  async function complaintAboutCommonParts(all: readonly string[]): Promise<Complaint | undefined> {
    commonParts ??= { complaint: await judge(only([], all)) };
    return commonParts.complaint;
  }

  async function halve(owners: readonly string[], all: readonly string[]): Promise<void> {
    if (owners.length === 0 || checks >= MOST_CHECKS) return;
    const complaint = await judge(only(owners, all));
    if (complaint === undefined) return;
    const [first] = owners;
    if (owners.length === 1 && first !== undefined) {
      convict(first, complaint);
      return;
    }
    const middle = Math.floor(owners.length / 2);
    await halve(owners.slice(0, middle), all);
    await halve(owners.slice(middle), all);
  }

  while (checks < MOST_CHECKS) {
    const sections = render(without);
    const complaint = await judge(sections);
    if (complaint === undefined) return { type: 'accepted', culprits };
    last = complaint;
    const owners = sections.flatMap((section) => (section.owner === null ? [] : [section.owner]));
    const bare = await complaintAboutCommonParts(owners);
    if (bare !== undefined) return { type: 'refused', message: bare.message };
    const suspect = ownerOfLine(sections, complaint.line);
    const alone = suspect === undefined ? undefined : await judge(only([suspect], owners));
    if (suspect !== undefined && alone !== undefined) {
      convict(suspect, alone);
      continue;
    }
    const before = culprits.length;
    await halve(owners, owners);
    // Each is well alone and they clash together (two of one name): the one that BIRD pointed at goes.
    if (culprits.length === before) {
      if (suspect === undefined) break;
      convict(suspect, complaint);
    }
  }
  return { type: 'refused', message: last?.message ?? 'too many sections are refused' };
}

function ownerOfLine(sections: readonly Section[], line: number | undefined): string | undefined {
  if (line === undefined) return undefined;
  let end = 0;
  for (const section of sections) {
    end += section.text.split('\n').length - 1;
    if (line <= end) return section.owner ?? undefined;
  }
  return undefined;
}
