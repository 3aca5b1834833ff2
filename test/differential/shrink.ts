/**
 * Makes a scenario smaller as long as it still fails: fewer steps first, then fewer peers, then plainer routes and peers.
 * fast-check could do it too, but it goes through a hundred scenarios where this needs some thirty, and each takes a
 * good part of a second.
 */
import { PLAIN_PEER, PLAIN_ROUTE, type Scenario, type Step } from './scenario.ts';

type Fails = (candidate: Scenario) => Promise<boolean>;

/**
 * @param one a scenario that fails
 * @param tries look at so many candidates at most
 */
export async function smallest(one: Scenario, fails: Fails, tries = 150): Promise<Scenario> {
  let best = withOwnNumbers(one);
  let left = tries;
  const adopt = async (candidate: Scenario): Promise<boolean> => {
    if (left <= 0) return false;
    left -= 1;
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  await fewerSteps(() => best, adopt);
  await fewerPeers(() => best, adopt);
  for (const candidateOf of plainer(best)) await adopt(candidateOf(best));
  return best;
}

type Adopt = (candidate: Scenario) => Promise<boolean>;

/** Steps name peers of the list, no number wraps around. */
function withOwnNumbers(one: Scenario): Scenario {
  const steps = one.steps.map(
    (step): Step => (step.do === 'look' ? step : { ...step, peer: step.peer % one.peers.length }),
  );
  return { ...one, steps };
}

async function fewerSteps(best: () => Scenario, adopt: Adopt): Promise<void> {
  for (
    let size = Math.ceil(best().steps.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    let at = 0;
    while (at < best().steps.length) {
      const { steps } = best();
      const shorter = { ...best(), steps: [...steps.slice(0, at), ...steps.slice(at + size)] };
      if (!(await adopt(shorter))) at += size;
    }
  }
}

async function fewerPeers(best: () => Scenario, adopt: Adopt): Promise<void> {
  for (let index = best().peers.length - 1; index >= 0; index -= 1) {
    if (best().peers.length <= 2) return;
    await adopt(withoutPeer(best(), index));
  }
}

/** Other peers keep their places in the list, not their addresses. */
function withoutPeer({ peers, steps }: Scenario, index: number): Scenario {
  return {
    peers: peers.filter((_, at) => at !== index),
    steps: steps.flatMap((step): readonly Step[] => {
      if (step.do === 'look') return [step];
      if (step.peer === index) return [];
      return [{ ...step, peer: step.peer > index ? step.peer - 1 : step.peer }];
    }),
  };
}

/** Each replaces one value by a plain one; the number of steps and peers stays. */
function plainer(one: Scenario): readonly ((best: Scenario) => Scenario)[] {
  const routes = one.steps.flatMap((step, at) => {
    if (step.do !== 'announce') return [];
    return Object.entries(PLAIN_ROUTE).map(
      ([field, plain]) =>
        (best: Scenario): Scenario => ({
          ...best,
          steps: best.steps.map((other, index) =>
            index === at && other.do === 'announce'
              ? { ...other, route: { ...other.route, [field]: plain } }
              : other,
          ),
        }),
    );
  });
  const { kind: _kind, family: _family, ...plainPeer } = PLAIN_PEER;
  const peers = one.peers.flatMap((_, at) =>
    Object.entries(plainPeer).map(
      ([field, plain]) =>
        (best: Scenario): Scenario => ({
          ...best,
          peers: best.peers.map((other, index) => (index === at ? { ...other, [field]: plain } : other)),
        }),
    ),
  );
  return [...routes, ...peers].filter((change) => JSON.stringify(change(one)) !== JSON.stringify(one));
}
