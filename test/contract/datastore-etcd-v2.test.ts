import { openEtcdV2 } from '../../src/datastore/etcd-v2/etcd-v2.ts';
import { datastoreContract } from './datastore.ts';
import { type EtcdHome, etcdContract, startEtcdHome } from './etcd-home.ts';

const home: EtcdHome = { api: 'v2', readOnly: ['BlockAffinity'], open: openEtcdV2 };

datastoreContract('etcd v2', 'server', () => startEtcdHome(home));
etcdContract('etcd v2', home);
