/** The rivals' configurations: one reflector on 127.0.0.1 and the clients of bench/bgpload. */

export const REFLECTOR = '127.0.0.1';
const CLUSTER = '1.0.0.1';
const AS = 64512;

/** Address of bgpload's client: 127.1.0.1 and up. */
export function clientAddress(index: number): string {
  const number = 1 + index;
  return `127.1.${number >> 8}.${number & 255}`;
}

function forEachClient(clients: number, line: (address: string, index: number) => string): string {
  return Array.from({ length: clients }, (_, index) => line(clientAddress(index), index)).join('');
}

export function birdConfiguration(port: number, clients: number): string {
  return `log stderr { error, fatal, bug };
router id ${REFLECTOR};
protocol device {}
template bgp reflected {
  local ${REFLECTOR} port ${port} as ${AS};
  strict bind yes;
  multihop;
  passive;
  rr client;
  rr cluster id ${CLUSTER};
  ipv4 { import all; export all; };
}
${forEachClient(
  clients,
  (address, index) => `protocol bgp c${index} from reflected { neighbor ${address} as ${AS}; }\n`,
)}`;
}

export function frrConfiguration(clients: number, tuned: boolean): string {
  return `frr defaults traditional
log stdout errors
router bgp ${AS}
 bgp router-id ${REFLECTOR}
 bgp cluster-id ${CLUSTER}
 no bgp default ipv4-unicast
${tuned ? ' coalesce-time 1\n' : ''} timers bgp 30 90
 neighbor clients peer-group
 neighbor clients remote-as ${AS}
 neighbor clients passive
${forEachClient(clients, (address) => ` neighbor ${address} peer-group clients\n`)} address-family ipv4 unicast
  neighbor clients activate
  neighbor clients route-reflector-client
 exit-address-family
`;
}

export function gobgpConfiguration(port: number, clients: number): string {
  return `[global.config]
as = ${AS}
router-id = "${REFLECTOR}"
port = ${port}
local-address-list = ["${REFLECTOR}"]
[[peer-groups]]
[peer-groups.config]
peer-group-name = "clients"
peer-as = ${AS}
[peer-groups.transport.config]
passive-mode = true
[peer-groups.route-reflector.config]
route-reflector-client = true
route-reflector-cluster-id = "${CLUSTER}"
[[peer-groups.afi-safis]]
[peer-groups.afi-safis.config]
afi-safi-name = "ipv4-unicast"
${forEachClient(
  clients,
  (address) => `[[neighbors]]\n[neighbors.config]\nneighbor-address = "${address}"\npeer-group = "clients"\n`,
)}`;
}

export function openbgpdConfiguration(folder: string, port: number, clients: number): string {
  return `AS ${AS}
router-id ${REFLECTOR}
fib-update no
listen on ${REFLECTOR} port ${port}
socket "${folder}/bgpd.sock"
group clients {
  remote-as ${AS}
  route-reflector ${CLUSTER}
  passive
${forEachClient(clients, (address, index) => `  neighbor ${address} {\n    descr "c${index}"\n  }\n`)}}
allow from any
allow to any
`;
}
