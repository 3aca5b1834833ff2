/** The rack topology from an etcd that speaks TLS only and demands a client certificate. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { checksOf } from '../support/checks.ts';
import { type LabEtcd, startLabEtcd } from '../support/lab-etcd.ts';
import { RACK_ENTRIES, RACK_REFLECTORS } from '../support/rack.ts';
import { createRackHosts, type RackLab, rackLab, untilEstablished } from '../support/rack-lab.ts';
import { reflectorSessions } from '../support/rack-sessions.ts';
import { until } from '../support/until.ts';

const checks = checksOf('rack-tls');
const { check } = checks;

let rack: RackLab;
let etcd: LabEtcd;

before(async () => {
  const { lab, folder } = await createRackHosts();
  etcd = await startLabEtcd(lab.host('etcd'), `${folder}/etcd`, true);
  const { certificates } = etcd;
  assert.ok(certificates);
  rack = rackLab(lab, folder, {
    datastore: {
      DATASTORE_TYPE: 'etcdv2',
      ETCD_ENDPOINTS: etcd.url,
      ETCD_CA_CERT_FILE: certificates.ca,
      ETCD_CERT_FILE: certificates.client.cert,
      ETCD_KEY_FILE: certificates.client.key,
    },
    tree: () => etcd.tree(),
    renderOn: 'n2',
  });
  await etcd.put(RACK_ENTRIES);
  await rack.startNodes();
});

after(() => rack?.close(checks.incomplete));

check('tls-wrong-certificate', async () => {
  const [rr1] = RACK_REFLECTORS;
  assert.ok(rr1 && etcd.certificates);
  const { otherClient } = etcd.certificates;
  const agent = await rack.startReflector(rr1, {
    env: { ETCD_CERT_FILE: otherClient.cert, ETCD_KEY_FILE: otherClient.key },
  });
  await until(
    () => /TLS/.test(agent.process.output()),
    () => `the agent to say that etcd refuses it: ${agent.process.output()}`,
    60_000,
  );
  assert.equal((await agent.sessions()).size, 0);
  if (agent.process.running) {
    assert.equal((await agent.status()).ready, false);
    await agent.stop();
  }
});

check('tls-client-certificate', async () => {
  const [rr1, ...others] = RACK_REFLECTORS;
  assert.ok(rr1 && etcd.certificates);
  const { client } = etcd.certificates;
  await rack.reflector('rr1').restart({
    env: {
      IP: rr1.ipv4,
      IP6: rr1.ipv6,
      DATASTORE_TYPE: 'etcdv2',
      ETCD_ENDPOINTS: etcd.url,
      ETCD_CA_CERT_FILE: etcd.certificates.ca,
      ETCD_CERT_FILE: client.cert,
      ETCD_KEY_FILE: client.key,
    },
  });
  for (const one of others) await rack.startReflector(one);
  await rack.converged();
  for (const one of RACK_REFLECTORS) await untilEstablished(rack.reflector(one.name), reflectorSessions(one));
});

check('tls-change', async () => {
  const [rr1] = RACK_REFLECTORS;
  assert.ok(rr1);
  await etcd.put([['/calico/bgp/v1/host/n4/peer_v4/10.0.0.101', '{"ip": "10.0.0.101", "as_num": "64512"}']]);
  await rack.refreshNodes(['n4']);
  await untilEstablished(rack.reflector('rr1'), [...reflectorSessions(rr1), 'Node_10_0_0_4']);
});

checks.allShown();
