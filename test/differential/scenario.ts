/**
 * What a differential test does, as data that can be printed, repeated and made smaller: who the peers of a reflector
 * are, and what they do. Peers and prefixes are numbers that wrap around, so that every smaller scenario is one too.
 */
import fc from 'fast-check';

export type PeerKind = 'client' | 'non-client' | 'external';

export interface PeerSpec {
  readonly kind: PeerKind;
  readonly family: 4 | 6;
  /** Which of CLUSTERS the reflector uses towards it. */
  readonly cluster: number;
  /** Third number of its router ID 10.9.x.HOST, so that router IDs do not follow addresses. */
  readonly rank: number;
  /** External: AS number is 65001 and so many. */
  readonly as: number;
  /**
   * Internal: the AS that all of its paths begin with, or null and they are all empty. BIRD 2.0.12 with deterministic
   * MED keeps a best route that is replaced by a worse one with another first AS, so no route ever changes its first AS.
   */
  readonly firstAs: number | null;
  /** External: only LISTED is taken from it, or told to it. */
  readonly listedIn: boolean;
  readonly listedOut: boolean;
  readonly nextHop: 'auto' | 'self' | 'keep';
  /** It tells several paths to one prefix, and takes them (RFC 7911). */
  readonly addPath: boolean;
}

export interface RouteSpec {
  readonly localPref: number;
  readonly med: number | null;
  /** AS numbers behind the first one, which is the peer's own or its `firstAs`. */
  readonly asPath: readonly number[];
  /** These end the path as an AS_SET. */
  readonly asSet: readonly number[];
  readonly origin: 0 | 1 | 2;
  readonly communities: readonly number[];
  readonly large: boolean;
  readonly extended: boolean;
  readonly atomic: boolean;
  readonly aggregated: boolean;
  /** An optional transitive attribute that nobody knows. */
  readonly unknown: boolean;
  /** Internal peers only: where the route was before. */
  readonly originator: 'none' | 'another' | 'reflector';
  readonly clusterList: readonly ('another' | 'own' | 'second')[];
  /** The peer itself, or a third router. */
  readonly nextHop: 'own' | 'third';
}

export type Step =
  | {
      readonly do: 'announce';
      readonly peer: number;
      readonly prefix: number;
      /** Which of its paths, where it has several. */
      readonly path: number;
      readonly route: RouteSpec;
    }
  | { readonly do: 'withdraw'; readonly peer: number; readonly prefix: number; readonly path: number }
  | { readonly do: 'down'; readonly peer: number }
  | { readonly do: 'up'; readonly peer: number }
  /** Everything has settled, and what every peer holds is compared. It is compared after the last step too. */
  | { readonly do: 'look' };

export interface Scenario {
  readonly peers: readonly PeerSpec[];
  readonly steps: readonly Step[];
}

export const PLAIN_PEER: PeerSpec = {
  kind: 'client',
  family: 4,
  cluster: 0,
  rank: 0,
  as: 0,
  firstAs: null,
  listedIn: false,
  listedOut: false,
  nextHop: 'auto',
  addPath: false,
};

export const PLAIN_ROUTE: RouteSpec = {
  localPref: 100,
  med: null,
  asPath: [],
  asSet: [],
  origin: 0,
  communities: [],
  large: false,
  extended: false,
  atomic: false,
  aggregated: false,
  unknown: false,
  originator: 'none',
  clusterList: [],
  nextHop: 'own',
};

/** The first is the reflector's own. */
export const CLUSTERS = ['1.0.0.1', '1.0.0.2'] as const;

export const PREFIXES = {
  4: ['10.65.0.0/26', '10.65.0.64/26', '10.65.0.0/16', '10.65.0.1/32', '192.168.7.0/24', '0.0.0.0/0'],
  6: ['2001:db8:1::/122', '2001:db8:1::40/122', '2001:db8::/32', '2001:db8:1::1/128', 'fd00:7::/64', '::/0'],
} as const;

/** What a bounded session lets through. */
export const LISTED = {
  4: ['10.65.0.0/26', '192.168.7.0/24'],
  6: ['2001:db8:1::/122', 'fd00:7::/64'],
} as const;

const NO_EXPORT = 0xffff_ff01;
const NO_ADVERTISE = 0xffff_ff02;

/** Records as literals make them, so that they print well. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

/** Mostly false, and false in the end. */
const seldom = fc.integer({ min: 0, max: 7 }).map((number) => number === 7);

function peer(families: readonly (4 | 6)[]): fc.Arbitrary<PeerSpec> {
  return record({
    kind: fc.constantFrom('client', 'client', 'non-client', 'external'),
    family: fc.constantFrom(...families),
    cluster: fc.constantFrom(0, 0, 1),
    rank: fc.integer({ min: 0, max: 3 }),
    as: fc.integer({ min: 0, max: 1 }),
    firstAs: fc.constantFrom(null, 65_011, 65_012),
    listedIn: seldom,
    listedOut: seldom,
    nextHop: fc.constantFrom('auto', 'auto', 'self', 'keep'),
    addPath: fc.constantFrom(false, false, true),
  });
}

const route: fc.Arbitrary<RouteSpec> = record({
  localPref: fc.constantFrom(100, 100, 200),
  med: fc.constantFrom(null, 0, 10, 20),
  asPath: fc.array(fc.constantFrom(65_011, 65_012, 4_200_000_001), { maxLength: 3 }),
  asSet: fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.constant([65_020, 65_021]) },
  ),
  origin: fc.constantFrom(0, 0, 1, 2),
  communities: fc.uniqueArray(
    fc.constantFrom((64_512 << 16) | 7, (64_512 << 16) | 8, NO_EXPORT, NO_ADVERTISE).map((one) => one >>> 0),
    { maxLength: 2 },
  ),
  large: seldom,
  extended: seldom,
  atomic: seldom,
  aggregated: seldom,
  unknown: seldom,
  originator: fc.constantFrom('none', 'none', 'none', 'another', 'reflector'),
  clusterList: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom('another', 'own', 'second'), { maxLength: 2 }) },
  ),
  nextHop: fc.constantFrom('own', 'own', 'third'),
});

const WHICH = { peer: fc.nat({ max: 5 }), prefix: fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 4, 5) };
const PATH = { path: fc.nat({ max: 2 }) };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: record({ do: fc.constant('announce' as const), ...WHICH, ...PATH, route }) },
  { weight: 4, arbitrary: record({ do: fc.constant('withdraw' as const), ...WHICH, ...PATH }) },
  { weight: 1, arbitrary: record({ do: fc.constant('down' as const), peer: WHICH.peer }) },
  { weight: 1, arbitrary: record({ do: fc.constant('up' as const), peer: WHICH.peer }) },
  { weight: 1, arbitrary: fc.constant({ do: 'look' as const }) },
);

/**
 * A scenario is mostly of one family: peers of different families have nothing to say to each other.
 * @param families those of which this machine has addresses
 */
export function scenario(families: readonly (4 | 6)[]): fc.Arbitrary<Scenario> {
  const choices = [...families.map((family) => [family]), families];
  return fc.constantFrom(...choices).chain((chosen) =>
    record({
      peers: fc.array(peer(chosen), { minLength: 2, maxLength: 6, size: 'max' }),
      steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
    }),
  );
}
