/**
 * A native engine and its partners of other makes around it, each on an address of its own for each family. An onlooker,
 * one more client of the engine, notes every UPDATE that it is sent.
 */
import { join } from 'node:path';
import { pino } from 'pino';
import {
  CALICO_TIMES,
  encodeAnnouncements,
  encodeAttributes,
  encodeNlri,
  encodeWithdrawals,
  type Family,
  formatPrefix,
  LONGEST_MESSAGE,
  type NlriBlock,
  NO_ATTRIBUTES,
  parseAddress as octetsOf,
  parsePrefix,
  readNlri,
} from '../../src/bgp/index.ts';
import { createNativeEngine, type NativeEngine } from '../../src/engine/native/native-engine.ts';
import { type IpAddress, parseAddress } from '../../src/model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { clientOf, reflectorOf } from '../contract/engine.ts';
import { familiesHere, routableGround } from '../differential/ground.ts';
import { testOffer } from '../support/peer-settings.ts';
import { until } from '../support/until.ts';
import {
  type Partner,
  type PartnerPath,
  type PartnerPeer,
  type PartnerSettings,
  partnerFolder,
} from './partner.ts';
import { makeSpeaker, type Speaker } from './speaker.ts';

const DEADLINE_MS = 60_000;
const ONLOOKER = 99;
export const CLUSTER = '1.0.0.1';

/** What one partner is to the engine. */
export interface Guest {
  readonly name: string;
  /** Its addresses are the nth of the ground. */
  readonly host: number;
  readonly start: (folder: string, settings: PartnerSettings) => Promise<Partner>;
  /** Both unless told otherwise. */
  readonly families?: readonly Family[];
  readonly password?: string;
  readonly near?: boolean;
  /** It is a fellow reflector and no client, with these guests (their hosts) as its clients; of our cluster by default. */
  readonly fellow?: { readonly clients: readonly number[]; readonly clusterId?: string };
  /** The engine has no session with it; a fellow has. */
  readonly beyond?: true;
}

export interface PartnerLab {
  readonly families: readonly Family[];
  readonly engine: NativeEngine;
  readonly partners: readonly Partner[];
  partner(name: string): Partner;
  address(family: Family, host: number): string;
  /** The block that a guest announces. */
  block(family: Family, host: number): string;
  /** Waits until the sessions of these guests (all of them) are Established. */
  untilUp(names?: readonly string[]): Promise<void>;
  /** Waits until a partner holds paths to a prefix that satisfy. */
  untilPaths(
    name: string,
    prefix: string,
    condition: (paths: readonly PartnerPath[]) => boolean,
  ): Promise<readonly PartnerPath[]>;
  /** A partner asks for its routes anew, where it knows how to, and is told them. */
  askAnew(name: string): Promise<void>;
  /** The onlooker announces a prefix as its own, as any client may, or does so no longer. */
  announce(family: Family, prefix: string): void;
  withdraw(family: Family, prefix: string): void;
  /** Prefixes that the onlooker was told to forget, in order. */
  withdrawn(): readonly string[];
  /** Ends the engine as a stop of the agent does, and starts another one in its place. */
  stopEngine(): Promise<void>;
  startEngine(): Promise<void>;
  close(): Promise<void>;
}

function parsed(text: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

export async function partnerLab(guests: readonly Guest[]): Promise<PartnerLab> {
  const { port, address } = await routableGround();
  const hostAddress = (host: number): string => address(4, host);
  const families = await familiesHere();
  const folder = partnerFolder();
  const familiesOf = (guest: Guest): readonly Family[] =>
    families.filter((family) => guest.families?.includes(family) ?? true);
  const speaks =
    (family: Family) =>
    (guest: Guest): boolean =>
      familiesOf(guest).includes(family);
  const block = (family: Family, host: number): string =>
    family === 4 ? `10.65.${host}.0/26` : `fd65:${host}::/122`;

  const session = (family: Family, name: string, host: number, guest?: Guest): SessionConfig =>
    clientOf({ port, address: hostAddress }, host, {
      name: `${name}_${family}`,
      family,
      peerAddress: parsed(address(family, host)),
      sourceAddress: parsed(address(family, 1)),
      clusterId: CLUSTER,
      ...(guest?.fellow !== undefined ? { kind: 'reflector', client: false } : {}),
      password: guest?.password !== undefined,
      ttlSecurityHops: guest?.near === true ? 1 : null,
    });
  const sessions = [
    ...guests
      .filter(({ beyond }) => beyond !== true)
      .flatMap((guest) => familiesOf(guest).map((family) => session(family, guest.name, guest.host, guest))),
    ...families.map((family) => session(family, 'onlooker', ONLOOKER)),
  ];
  const passwords = new Map(
    guests.flatMap((guest) =>
      familiesOf(guest).flatMap((family) =>
        guest.password === undefined ? [] : [[`${guest.name}_${family}`, guest.password] as const],
      ),
    ),
  );
  const config: SpeakerConfig = reflectorOf({ port, address: hostAddress }, sessions, {
    clusterId: CLUSTER,
    ipv6: families.includes(6) ? parsed(address(6, 1)) : null,
  });

  const settingsOf = (guest: Guest): PartnerSettings => {
    const to = (
      family: Family,
      host: number,
      peer: Omit<PartnerPeer, 'family' | 'own' | 'peer'>,
    ): PartnerPeer => ({
      ...{ family, own: address(family, guest.host), peer: address(family, host) },
      ...peer,
    });
    const { password, near } = guest;
    const terms = {
      ...(password === undefined ? {} : { password }),
      ...(near === undefined ? {} : { near }),
    };
    const clients = guests.filter(({ host }) => guest.fellow?.clients.includes(host) === true);
    const fellows = guests.filter(({ fellow }) => fellow?.clients.includes(guest.host) === true);
    return {
      name: guest.name,
      port,
      as: 64_512,
      routerId: address(4, guest.host),
      ...(guest.fellow === undefined ? {} : { clusterId: guest.fellow.clusterId ?? CLUSTER }),
      peers: familiesOf(guest).flatMap((family) => [
        ...(guest.beyond === true ? [] : [to(family, 1, terms)]),
        ...clients.filter(speaks(family)).map(({ host }) => to(family, host, { client: true })),
        ...fellows.filter(speaks(family)).map(({ host }) => to(family, host, {})),
      ]),
      prefixes: familiesOf(guest).map((family) => block(family, guest.host)),
    };
  };

  const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const make = (): NativeEngine =>
    createNativeEngine({ stateDir: join(folder.path, 'state'), addPaths: 'all', log });
  let engine = make();
  const partners: Partner[] = [];
  const onlookers: Speaker[] = [];
  const apply = async (): Promise<void> => {
    const { refused } = await engine.apply(config, passwords);
    if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused)}`);
  };
  const close = async (): Promise<void> => {
    await Promise.all(onlookers.map((onlooker) => onlooker.close()));
    await Promise.all(partners.map((partner) => partner.crash()));
    await engine.stop('graceful');
    folder.remove();
  };
  const partner = (name: string): Partner => {
    const found = partners.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no partner ${name}`);
    return found;
  };

  try {
    await apply();
    for (const family of families) {
      const onlooker = await makeSpeaker({
        settings: {
          ...CALICO_TIMES,
          connectDelaySeconds: 0,
          connectRetrySeconds: 1,
          passive: false,
          offer: testOffer(address(4, ONLOOKER), [family]),
        },
        ...{ localAddress: address(family, ONLOOKER), localPort: port },
        ...{ peerAddress: address(family, 1), peerPort: port },
      });
      onlookers.push(onlooker);
      onlooker.start();
    }
    for (const guest of guests) partners.push(await guest.start(folder.path, settingsOf(guest)));
  } catch (error) {
    await close();
    throw error;
  }

  const nlriOf = (family: Family, text: string): NlriBlock => {
    const prefix = parsePrefix(text);
    if (prefix === null) throw new Error(`${text} is no prefix`);
    return encodeNlri(family, false, [{ prefix, pathId: 0 }]);
  };
  const tell = (family: Family, message: Uint8Array | null): void => {
    const onlooker = onlookers[families.indexOf(family)];
    if (onlooker === undefined || message === null) throw new Error('no onlooker');
    onlooker.send(message);
  };

  return {
    families,
    get engine() {
      return engine;
    },
    partners,
    partner,
    address,
    block,
    async untilUp(names = [...guests.map(({ name }) => name), 'onlooker']) {
      const down = async (): Promise<readonly string[]> =>
        (await engine.observe()).sessions
          .filter(({ name, state }) => names.includes(name.replace(/_.$/, '')) && state !== 'Established')
          .map(({ name, info }) => `${name} ${info}`);
      await until(
        async () => (await down()).length === 0,
        async () => `sessions to come up: ${(await down()).join(', ')}`,
        DEADLINE_MS,
      );
    },
    async untilPaths(name, prefix, condition) {
      let last: unknown;
      return await until(
        async () => {
          const paths = await partner(name).paths(prefix);
          last = paths;
          return condition(paths) ? paths : undefined;
        },
        () => `${name} to hold other paths to ${prefix} than ${JSON.stringify(last)}`,
        DEADLINE_MS,
      );
    },
    async askAnew(name) {
      const { refresh, settings } = partner(name);
      if (refresh === null) return;
      // Counters are of the moment in which they are read.
      const before = engine
        .details()
        .filter((session) => session.name.replace(/_.$/, '') === name)
        .map((session) => ({ ...session, octetsOut: session.status.counters.octetsOut }));
      const own = settings.peers.filter(({ family, peer }) => peer === address(family, 1));
      if (before.length !== own.length) throw new Error(`${name} has ${before.length} sessions`);
      await refresh();
      for (const session of before) {
        // More than all KEEPALIVEs of a minute, less than the blocks of the others in one UPDATE each.
        const least = session.octetsOut + session.told * 40;
        await until(
          () =>
            engine
              .details()
              .some((one) => one.name === session.name && one.status.counters.octetsOut > least),
          `${session.name} to be told its routes again`,
          DEADLINE_MS,
        );
      }
    },
    announce(family, prefix) {
      const nextHop = octetsOf(address(family, ONLOOKER)) ?? new Uint8Array(4);
      const inside = family === 4 ? { nextHop } : {};
      const all = { ...NO_ATTRIBUTES, origin: 0, asPath: [], localPref: 100, ...inside } as const;
      const routes = { nlri: nlriOf(family, prefix), nextHop, attributes: encodeAttributes(all) };
      tell(family, encodeAnnouncements(routes, LONGEST_MESSAGE));
    },
    withdraw(family, prefix) {
      tell(family, encodeWithdrawals(nlriOf(family, prefix), LONGEST_MESSAGE));
    },
    withdrawn: () =>
      onlookers.flatMap(({ updates }) =>
        updates.flatMap(({ withdrawn }) =>
          withdrawn.flatMap((nlri) => [...readNlri(nlri)].map(({ prefix }) => formatPrefix(prefix))),
        ),
      ),
    stopEngine: () => engine.stop('graceful'),
    async startEngine() {
      engine = make();
      await apply();
    },
    close,
  };
}
