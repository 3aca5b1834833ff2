/**
 * What the rack laboratory must show, each a sentence. Where a promise is that something does *not* happen, `control`
 * names the check that breaks the promise on purpose and must see it broken: without it a blind test would pass.
 * Test files run them with `check`; what passed is recorded, and the test command fails when a sentence was not shown.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Check {
  /** The test file that shows it, without `.test.ts`. */
  readonly file: string;
  readonly sentence: string;
  readonly control?: string;
}

/** Every check by its id. */
const CHECKS: Readonly<Record<string, Check>> = {
  ...inFile('rack-topology', {
    'no-reflectors-no-routes': [
      'control: without reflectors and without the mesh, no node routes the block of another',
    ],
    'all-blocks-v4': ["all nine nodes route all other nodes' IPv4 blocks", 'no-reflectors-no-routes'],
    'all-blocks-v6': ["all nine nodes route all other nodes' IPv6 blocks", 'no-reflectors-no-routes'],
    'next-hops': ['next hops arrive unchanged: every block is routed straight to its own node'],
    pings: ['workloads of all racks reach each other, IPv4 and IPv6', 'no-reflectors-no-routes'],
    'originator-id': ['ORIGINATOR_ID is the node that announced the block'],
    'cluster-list': ['CLUSTER_LIST names the clusters that the route came through, nearest first'],
    sessions: [
      'a reflector has client sessions to its rack and plain ones to the five other reflectors, in both families',
    ],
    'no-kernel-routes': ['a reflector programs no kernel route and needs no capability but NET_BIND_SERVICE'],
    'kill-rr1': ['killing RR1, agent and BIRD at once, loses no route and no ping', 'plain-sigterm'],
    'frozen-agent': [
      'control: while its agent is stopped, a reflector takes no change, and the test sees that',
    ],
    'broken-entries': [
      'broken entries of every kind are set aside and named, and the others go on',
      'frozen-agent',
    ],
    'add-rr7': [
      'RR7, added to the running cluster by its two keys, is meshed with all six and nobody else is touched',
      'frozen-agent',
    ],
    'remove-rr7': ['RR7, taken out again by deleting its keys, is gone from all six', 'frozen-agent'],
    'remove-node': [
      'a removed node loses its sessions, and the others lose its routes and nothing else',
      'frozen-agent',
    ],
    'add-node': ['the node comes back by its keys, and all have its routes again', 'frozen-agent'],
    'change-as': [
      "a node's changed AS is held; approved, its sessions are eBGP, no clients, reported as as-mismatch, and no other is touched",
      'frozen-agent',
    ],
    'mesh-on': [
      'turning the mesh on meshes the nodes, leaves the reflectors out, and keeps every route',
      'frozen-agent',
    ],
    'mesh-off': ['turning the mesh off leaves the reflectors alone, and keeps every route', 'frozen-agent'],
    'etcd-away': ['etcd killed for 30 s: no session ends and no route is lost', 'frozen-agent'],
    'etcd-back': [
      'etcd back with changes made meanwhile: all of them are applied, and only they',
      'frozen-agent',
    ],
  }),
  ...inFile('rack-restart', {
    'monitor-sees': ['control: the route monitor sees a deletion and the pings see a loss'],
    drain: [
      'RR2 is drained: its clients take RR1 first, then its sessions end with a Cease, and no ping is lost',
      'plain-sigterm',
    ],
    'restart-rr1': [
      'with RR2 stopped, SIGTERM and a new start of RR1 delete no kernel route and lose no ping',
      'plain-sigterm',
    ],
    'restart-group': [
      "SIGTERM to RR1's whole process group and a new start delete no kernel route and lose no ping",
      'plain-sigterm',
    ],
    'kill-agent': [
      "kill -9 of RR1's agent leaves its BIRD running; the next agent takes it over and touches no session",
      'plain-sigterm',
    ],
    'kill-bird': [
      "kill -9 of RR1's BIRD: the agent starts it again and no kernel route is deleted",
      'plain-sigterm',
    ],
    'upgrade-rr1': [
      'upgrading RR1 to another build of calico-rr and another BIRD deletes no kernel route and loses no ping',
      'plain-sigterm',
    ],
    'reload-rr1': [
      'reloading RR1, by SIGHUP and by a changed peer in etcd, deletes no kernel route and restarts no other session',
      'plain-sigterm',
    ],
    'plain-sigterm': ['control: plain BIRD in the place of RR1 and SIGTERM lose routes and pings'],
  }),
  ...inFile('rack-native', {
    'native-sessions': [
      'four reflectors on the native engine and two on BIRD, in one rack together or not, have all of their sessions',
    ],
    'native-blocks': [
      'through native reflectors, alone and beside BIRD, all nine nodes route all blocks straight to their nodes, IPv4 and IPv6',
      'plain-sigterm',
    ],
    'native-attributes': [
      'ORIGINATOR_ID and CLUSTER_LIST are right from every native reflector, and the same as from BIRD in the same rack',
    ],
    'native-bare': [
      'a native reflector runs no other process, programs no kernel route and has no capability but NET_BIND_SERVICE',
    ],
    'native-sigterm': [
      'with RR2 stopped, SIGTERM and a new start of a native RR1 delete no kernel route and lose no ping',
      'plain-sigterm',
    ],
    'native-kill': [
      'kill -9 of a native RR1 and a new start delete no kernel route and lose no ping',
      'plain-sigterm',
    ],
    'native-reload': [
      'a changed peer in etcd and SIGHUP touch no other session of a native RR1',
      'plain-sigterm',
    ],
  }),
  ...inFile('rack-darkness', {
    'all-dead': [
      'all reflectors dead for ten minutes: the nodes keep every route and workloads reach each other',
      'past-llgr',
    ],
    'past-llgr': ['control: past the long-lived stale time the routes go'],
    'all-back': ['reflectors that come back later give every route again'],
  }),
  ...inFile('rack-tls', {
    'tls-client-certificate': [
      'the rack topology comes up from an etcd that demands client certificates',
      'tls-wrong-certificate',
    ],
    'tls-wrong-certificate': [
      'control: a reflector with the certificate of another authority gets nothing and says why',
    ],
    'tls-change': ['a change in that etcd is applied at once'],
  }),
  ...inFile('rack-homes', {
    'etcd-v3': [
      'the rack topology from etcd v3 gives the same sessions and routes as from etcd v2',
      'etcd-v3-empty',
    ],
    'etcd-v3-empty': ['control: from an empty etcd v3 a reflector is not ready and makes no session'],
    'etcd-v3-change': [
      'a peer deleted from etcd v3 is held, for it leaves a node with one reflector; approved, it ends that session alone',
    ],
    file: [
      'the rack topology from one file gives the same sessions and routes as from etcd v2',
      'etcd-v3-empty',
    ],
    'file-change': ['a peer deleted from the file is held too; approved, it ends that session alone'],
  }),
  ...inFile('image', {
    'image-rack': [
      'six containers of the image, started with the documented commands, bring the rack topology up over TLS',
      'image-user-without-port',
    ],
    'image-capabilities': [
      'in the container calico-rr has no capability but those for port 179 and for reading its mounts, even with --privileged',
    ],
    'image-sigterm': [
      "with RR2 stopped, docker stop and start of RR1's container delete no kernel route and lose no ping",
      'plain-sigterm',
    ],
    'image-read-only': [
      'with a read-only root the container needs no writable place but its one volume',
      'image-user-without-port',
    ],
    'image-unprivileged': [
      'an unprivileged user runs the image where port and files permit',
      'image-user-without-port',
    ],
    'image-user-without-port': [
      'control: an unprivileged user who may not bind port 179 is told so, and no session comes up',
    ],
  }),
  ...inFile('features-routes', {
    aggregate: [
      'a node announces its block and no address within it, which is a blackhole in its own kernel; a borrowed address it announces by itself',
    ],
    'edge-pools': ['an edge router of another AS gets the pools and is reached, IPv4 and IPv6'],
    'edge-default': [
      "the edge router's default route stays out of the tables of the nodes, which the reflector keeps to itself",
      'edge-default-accepted',
    ],
    'edge-default-accepted': [
      'control: a BGPFilter that accepts the default route lets the dedicated reflector give it to all nodes',
    ],
    'next-hop-auto': [
      'to another AS a reflecting node names itself as the next hop, a dedicated reflector leaves the node in its place',
    ],
    'next-hop-keep': [
      'nextHopMode Keep leaves the node as the next hop, and the edge goes straight to it',
      'next-hop-auto',
    ],
    'next-hop-self': ['nextHopMode Self names the reflector as the next hop', 'next-hop-keep'],
    filters: ['BGPFilters refuse and mark routes in both directions, and the others pass', 'edge-pools'],
    ipip: [
      'routes of an IPIP pool are announced, reported as not honoured, and not programmed without their tunnel',
      'ipip-never',
    ],
    'ipip-never': ['control: without ipipMode the same routes are programmed'],
  }),
  ...inFile('features-sessions', {
    password: [
      'nodes and reflector with one password are up and route each other, and no status or rendered text shows it',
      'password-changed',
    ],
    'password-changed': [
      'a changed password is held; approved, a node is down until it has the new one, and back with it',
    ],
    'ttl-security': [
      'with TTL security a reflector hears the node that has it too, and not the one that sends with an ordinary TTL',
    ],
    'reachable-by': [
      'a peer behind a gateway is reached by reachableBy, and meets the AS of localASNumber; without them it is not and does not',
    ],
  }),
  ...inFile('pi-day', {
    'pi-day-check': [
      'the renamed label of the reflectors: check finds in files that it would cut nodes off, before anything is written',
    ],
    'pi-day-verbs': [
      'the renamed label of the reflectors: a dry run of our own verb says whom it leaves with one, and the verb itself writes nothing unasked',
    ],
    'pi-day-up': ['two reflectors that nodes select by a label of theirs bring all blocks to all nodes'],
    'pi-day-webhook': [
      'the renamed label of the reflectors: the API server refuses it, and nodes that look again keep every session and route',
      'pi-day-raw',
    ],
    'pi-day-override': [
      'the renamed label of one reflector, let through by name, leaves nodes the other; the second is still refused',
      'pi-day-webhook',
    ],
    'pi-day-raw': [
      'control: stored without the webhook, the renamed label takes all routes from nodes that do not run calico-rr; those that do hold theirs, and status says whom that protects',
    ],
    'pi-day-etcd': [
      'the renamed label of the reflectors, written to etcd, touches no session where every speaker runs calico-rr',
      'pi-day-raw',
    ],
  }),
  ...inFile('blog-walkthrough', {
    ...blogRows('blog-file', 'a file'),
    ...blogRows('blog-etcd', 'etcd v3'),
    ...blogRows('blog-kubernetes', 'Kubernetes'),
  }),
  ...inFile('howto-walkthrough', {
    ...howtoRows('howto-file', 'blog-file', 'a file'),
    ...howtoRows('howto-etcd', 'blog-etcd', 'etcd v3'),
    ...howtoRows('howto-kubernetes', 'blog-kubernetes', 'Kubernetes'),
  }),
};

/** The tasks of the how-to guide for BGP peering; `blog` is the walk-through that loses routes on the way. */
function howtoRows(id: string, blog: string, home: string): Rows {
  return {
    [`${id}-no-disruption`]: [
      `from ${home}: with reflectors peered first, turning the mesh off deletes no kernel route for good and loses no ping`,
      `${blog}-reflectors`,
    ],
    [`${id}-tors`]: [
      `from ${home}: a global peer is the peer of all nodes, and one with a nodeSelector of the nodes of its rack alone`,
      `${id}-no-disruption`,
    ],
    [`${id}-global-as`]: [`from ${home}: another global AS, approved, is spoken on every session`],
    [`${id}-node-as`]: [
      `from ${home}: a node with an AS of its own has eBGP sessions, is no client, and reaches and is reached`,
    ],
  };
}

type Rows = Readonly<Record<string, readonly [sentence: string, control?: string]>>;

/** The steps of the article on route reflectors, from one home of the resources. */
function blogRows(id: string, home: string): Rows {
  return {
    [`${id}-mesh`]: [`from ${home}: five nodes in the full mesh route each other's blocks`],
    [`${id}-reflectors`]: [
      `control, from ${home}: with a cluster ID and no BGPPeer two nodes leave the others' mesh, and nobody else routes their blocks; their own guard holds`,
    ],
    [`${id}-peers`]: [
      `from ${home}: two BGPPeers with selectors bring nodes and labelled reflectors together, and all blocks are routed`,
      `${id}-reflectors`,
    ],
    [`${id}-mesh-off`]: [
      `from ${home}: with the mesh off and another AS, approved by name, nodes have sessions with the two reflectors alone and reach all workloads`,
      `${id}-mesh`,
    ],
  };
}

function inFile(file: string, rows: Rows): Readonly<Record<string, Check>> {
  return Object.fromEntries(
    Object.entries(rows).map(([id, [sentence, control]]) => [
      id,
      control === undefined ? { file, sentence } : { file, sentence, control },
    ]),
  );
}

const RECORDS = join(import.meta.dirname, '../../.cache/checks');

export interface FileChecks {
  check(id: string, run: () => Promise<void>): void;
  /** To be called after the last `check`: a test of its own that every sentence of the file was shown. */
  allShown(): void;
  /** False once every sentence was shown. */
  readonly incomplete: boolean;
}

/**
 * The checks of one test file, run in the order in which they are written, on one laboratory. After a failure the
 * others are skipped: what they would find says nothing any more.
 */
export function checksOf(file: string): FileChecks {
  const shown: string[] = [];
  let broken: string | undefined;
  const due = Object.entries(CHECKS).filter(([, check]) => check.file === file);
  const missing = (): readonly string[] =>
    due.filter(([id]) => !shown.includes(id)).map(([, { sentence }]) => sentence);
  return {
    check(id, run) {
      const check = CHECKS[id];
      if (check === undefined || check.file !== file) throw new Error(`no check ${id} is due in ${file}`);
      test(check.sentence, async (context) => {
        if (broken !== undefined) return context.skip(`after the failure of "${broken}"`);
        broken = check.sentence;
        await run();
        broken = undefined;
        shown.push(id);
      });
    },
    allShown() {
      test(`all ${due.length} sentences of ${file} were shown`, () => {
        mkdirSync(RECORDS, { recursive: true });
        writeFileSync(join(RECORDS, `${file}.json`), JSON.stringify(shown));
        assert.deepEqual(missing(), []);
      });
    },
    get incomplete() {
      return missing().length > 0;
    },
  };
}

/**
 * What the recorded runs leave open: sentences never shown, and controls that do not exist.
 * @returns one line for each; empty when all is well
 */
export function missingChecks(): readonly string[] {
  mkdirSync(RECORDS, { recursive: true });
  const files = readdirSync(RECORDS, { withFileTypes: true }).filter((entry) => entry.name.endsWith('.json'));
  const shown = new Set(
    files.flatMap((entry): string[] => {
      const parsed: unknown = JSON.parse(readFileSync(join(RECORDS, entry.name), 'utf8'));
      return Array.isArray(parsed) ? parsed.map(String) : [];
    }),
  );
  const rows = Object.entries(CHECKS);
  return [
    ...rows.filter(([id]) => !shown.has(id)).map(([, { file, sentence }]) => `${file}: ${sentence}`),
    ...rows
      .filter(([, { control }]) => control !== undefined && CHECKS[control] === undefined)
      .map(([id, { control }]) => `${id} names the control ${control}, which does not exist`),
  ];
}
