/**
 * Plays a scenario with one engine and says what every peer held whenever it was looked at.
 *
 * Whether all has settled is never guessed. Every peer announces a prefix of its own with a new community, its mark;
 * an onlooker, a client to whom the reflector tells everything, waits until it holds all marks: the reflector has
 * then worked off all that was said before. Then the onlooker's own mark goes round, twice: what a peer had to be told
 * before the first is written before the second, in whatever order an engine writes what it gathered. A last round
 * of the peers does the same for the onlooker.
 */
import { cease, decodeAttributes } from '../../src/bgp/index.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { parseAddress } from '../../src/model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { reflectorOf } from '../contract/engine.ts';
import { makeSpeaker, type Speaker } from '../interop/speaker.ts';
import {
  type Actor,
  announcementOf,
  markOf,
  REFLECTOR_ID,
  sessionOf,
  settingsOf,
  withdrawalOf,
} from './actor.ts';
import type { Ground } from './ground.ts';
import { CLUSTERS, PLAIN_PEER, PLAIN_ROUTE, PREFIXES, type Scenario, type Step } from './scenario.ts';
import { type Held, heldBy } from './view.ts';

/** Host numbers of the onlookers; peers are 11 and up. */
const ONLOOKER = { 4: 240, 6: 241 } as const;

function onlooker(family: 4 | 6): Actor {
  return { spec: { ...PLAIN_PEER, family }, host: ONLOOKER[family] };
}

function actorsOf(scenario: Scenario): {
  readonly peers: readonly Actor[];
  readonly onlookers: readonly Actor[];
} {
  const peers = scenario.peers.map((spec, index): Actor => ({ spec, host: 11 + index }));
  const families = [...new Set(scenario.peers.map(({ family }) => family))].sort();
  return { peers, onlookers: families.map(onlooker) };
}

/** The reflector of a scenario. */
export function speakerOf(ground: Ground, scenario: Scenario): SpeakerConfig {
  const { peers, onlookers } = actorsOf(scenario);
  const all = [...peers, ...onlookers];
  const sessions = all.map((actor): SessionConfig => {
    const marks = all.filter(({ spec }) => spec.family === actor.spec.family).map(markOf);
    return sessionOf(ground, actor, marks);
  });
  const net = { port: ground.port, address: (host: number) => ground.address(4, host) };
  const ipv6 = onlookers.some(({ spec }) => spec.family === 6)
    ? (parseAddress(ground.address(6, 1)) ?? null)
    : null;
  return reflectorOf(net, sessions, { routerId: REFLECTOR_ID, clusterId: CLUSTERS[0], ipv6 });
}

interface Player extends Actor {
  readonly speaker: Speaker;
  up: boolean;
}

/** What every peer held, one entry for each look: by peer, then by prefix. */
export type Looks = readonly ReadonlyMap<string, Held>[];

/**
 * @param config `speakerOf` of the scenario, or something else where a test wants to see that it shows
 * @throws Error when something that has to come never came
 */
export async function play(
  engine: Engine,
  ground: Ground,
  scenario: Scenario,
  config: SpeakerConfig,
): Promise<Looks> {
  const report = await engine.apply(config, new Map());
  if (report.refused.length > 0) throw new Error(`refused: ${JSON.stringify(report.refused)}`);
  const { peers, onlookers } = actorsOf(scenario);
  const opened: Speaker[] = [];
  const enter = async (actor: Actor): Promise<Player> => {
    const { family } = actor.spec;
    const speaker = await makeSpeaker({
      settings: settingsOf(actor),
      localAddress: ground.address(family, actor.host),
      localPort: ground.port,
      peerAddress: ground.address(family, 1),
      peerPort: ground.port,
    });
    opened.push(speaker);
    speaker.start();
    return { ...actor, speaker, up: true };
  };
  try {
    const players = await Promise.all(peers.map(enter));
    const watchers = await Promise.all(onlookers.map(enter));
    await Promise.all([...players, ...watchers].map((player) => untilTold(player, 0)));
    const looks: ReadonlyMap<string, Held>[] = [];
    let marks = 0;
    const look = async (): Promise<void> => {
      for (const watcher of watchers) {
        const circle = players.filter(({ spec }) => spec.family === watcher.spec.family);
        for (const everybody of [true, false, false, true]) {
          marks += 1;
          await (everybody ? collectMarks(circle, watcher, marks) : spreadMark(circle, watcher, marks));
        }
      }
      looks.push(
        new Map([...players, ...watchers].map((player) => [nameOf(player), heldBy(player, ground)])),
      );
    };
    for (const step of [...scenario.steps, { do: 'look' } as const]) {
      await (step.do === 'look' ? look() : act(players, step));
    }
    return looks;
  } finally {
    await Promise.all(opened.map((speaker) => speaker.close()));
  }
}

function nameOf({ host, spec }: Actor): string {
  return `peer ${host} (${spec.kind}, IPv${spec.family})`;
}

/** Established, and the reflector has told all that it had. @param from index of the first UPDATE that counts */
async function untilTold(player: Player, from: number): Promise<void> {
  const { speaker, spec } = player;
  await speaker.until(`${nameOf(player)} has the whole table`, () =>
    speaker.updates.slice(from).some(({ endOfRib }) => endOfRib === spec.family),
  );
}

async function act(players: readonly Player[], step: Exclude<Step, { do: 'look' }>): Promise<void> {
  const player = players[step.peer % players.length];
  if (player === undefined) return;
  const prefixes = PREFIXES[player.spec.family];
  switch (step.do) {
    case 'announce': {
      const prefix = prefixes[step.prefix % prefixes.length] ?? prefixes[0];
      if (player.up) player.speaker.send(announcementOf(player, prefix, step.path, step.route));
      return;
    }
    case 'withdraw': {
      const prefix = prefixes[step.prefix % prefixes.length] ?? prefixes[0];
      if (player.up) player.speaker.send(withdrawalOf(player, prefix, step.path));
      return;
    }
    case 'down':
      if (player.up) player.speaker.stop({ type: 'stop', notification: cease(2, '') });
      player.up = false;
      return;
    case 'up': {
      if (player.up) return;
      player.up = true;
      const from = player.speaker.updates.length;
      player.speaker.start();
      await untilTold(player, from);
      return;
    }
    default:
      step satisfies never;
  }
}

/** A community that says which mark it is. */
function markNumber(mark: number): number {
  return ((64_513 << 16) | mark) >>> 0;
}

function sendMark(player: Player, mark: number): void {
  const route = { ...PLAIN_ROUTE, communities: [markNumber(mark)] };
  player.speaker.send(announcementOf(player, markOf(player), 0, route));
}

function holdsMark(holder: Player, of: Player, mark: number): boolean {
  return communitiesHeld(holder, of).includes(markNumber(mark));
}

async function collectMarks(circle: readonly Player[], watcher: Player, mark: number): Promise<void> {
  for (const player of circle) if (player.up) sendMark(player, mark);
  await watcher.speaker.until(`the onlooker holds mark ${mark} of every peer that is up`, () =>
    circle.every((player) =>
      player.up ? holdsMark(watcher, player, mark) : !watcher.speaker.routes.has(markOf(player)),
    ),
  );
}

async function spreadMark(circle: readonly Player[], watcher: Player, mark: number): Promise<void> {
  sendMark(watcher, mark);
  await Promise.all(
    circle
      .filter(({ up }) => up)
      .map((player) =>
        player.speaker.until(`${nameOf(player)} holds mark ${mark}`, () => holdsMark(player, watcher, mark)),
      ),
  );
}

function communitiesHeld(holder: Player, of: Player): readonly number[] {
  const text = markOf(of);
  for (const [key, { attributes }] of holder.speaker.routes) {
    if (key === text || key.startsWith(`${text} path `)) return decodeAttributes(attributes).communities;
  }
  return [];
}
