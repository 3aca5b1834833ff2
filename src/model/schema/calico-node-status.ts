/** Calico's CalicoNodeStatus: what a node is asked to report, and its report. No session depends on it. */
import {
  accepted,
  choice,
  type Field,
  type Fields,
  integer,
  type KindSchema,
  list,
  object,
  text,
} from './shape.ts';

const SINCE = 'v3.22';
const told = (what: string): Field => accepted(SINCE, text, what);
const count = (what: string): Field => accepted(SINCE, integer(0, 2147483647), what);

function daemon(family: number): Field {
  return accepted(
    SINCE,
    object({
      state: accepted(SINCE, choice('Ready', 'NotReady'), 'Whether it serves.'),
      version: told('Its version.'),
      routerID: told('Its router ID.'),
      lastBootTime: told('When it started.'),
      lastReconfigurationTime: told('When it took a configuration last.'),
    }),
    `The BGP daemon for IPv${family}.`,
  );
}

function peers(family: number): Field {
  const peer: Fields = {
    peerIP: told('Address of the peer.'),
    type: accepted(SINCE, choice('NodeMesh', 'NodePeer', 'GlobalPeer'), 'Where the session comes from.'),
    state: accepted(
      SINCE,
      choice('Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established', 'Close'),
      'State of the session.',
    ),
    since: told('Since when.'),
  };
  return accepted(SINCE, list(object(peer)), `Every IPv${family} session.`);
}

function routes(family: number): Field {
  const from: Fields = {
    sourceType: accepted(SINCE, choice('Kernel', 'Static', 'Direct', 'NodeMesh', 'BGPPeer'), 'Who told it.'),
    peerIP: told('The peer that told it.'),
  };
  const route: Fields = {
    type: accepted(SINCE, choice('FIB', 'RIB'), 'Whether packets take it, or BGP only knows it.'),
    destination: told('The prefix.'),
    gateway: told('The next hop.'),
    interface: told('The way out.'),
    learnedFrom: accepted(SINCE, object(from), 'Where it comes from.'),
  };
  return accepted(SINCE, list(object(route)), `Every IPv${family} route.`);
}

export const CALICO_NODE_STATUS: KindSchema = {
  description: 'What one node is asked to report of its BGP, and what it reports.',
  names: 'Any name.',
  spec: {
    node: accepted(SINCE, text, 'The node that reports.', {
      required: true,
      note: 'Calico on that node writes the report',
    }),
    classes: accepted(SINCE, list(choice('Agent', 'BGP', 'Routes')), 'What it reports.'),
    updatePeriodSeconds: accepted(SINCE, integer(0, 86400), 'Every how many seconds; 0: no more.', {
      required: true,
    }),
  },
  status: {
    lastUpdated: told('When it was written.'),
    agent: accepted(SINCE, object({ birdV4: daemon(4), birdV6: daemon(6) }), 'The BGP daemons.'),
    bgp: accepted(
      SINCE,
      object({
        numberEstablishedV4: count('IPv4 sessions that are up.'),
        numberNotEstablishedV4: count('IPv4 sessions that are not.'),
        numberEstablishedV6: count('IPv6 sessions that are up.'),
        numberNotEstablishedV6: count('IPv6 sessions that are not.'),
        peersV4: peers(4),
        peersV6: peers(6),
      }),
      'The sessions.',
    ),
    routes: accepted(SINCE, object({ routesV4: routes(4), routesV6: routes(6) }), 'The routes.'),
  },
  rules: [],
  example: `apiVersion: projectcalico.org/v3
kind: CalicoNodeStatus
metadata:
  name: n1
spec:
  node: n1
  classes: [Agent, BGP]
  updatePeriodSeconds: 10
`,
};
