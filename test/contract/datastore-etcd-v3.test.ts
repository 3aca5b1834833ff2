import { openEtcdV3 } from '../../src/datastore/etcd-v3/etcd-v3.ts';
import { datastoreContract } from './datastore.ts';
import { type EtcdHome, etcdContract, startEtcdHome } from './etcd-home.ts';

const home: EtcdHome = { api: 'v3', readOnly: ['CustomFilter', 'BlockAffinity'], open: openEtcdV3 };

datastoreContract('etcd v3', 'server', () => startEtcdHome(home));
etcdContract('etcd v3', home);
