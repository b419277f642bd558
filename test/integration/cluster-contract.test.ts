/** The adapter of real etcd is held to the contract that the fake cluster of the tests passes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectCluster } from '../../src/cluster/connect.ts';
import type { Cluster } from '../../src/cluster/port.ts';
import { Failure } from '../../src/core/errors.ts';
import { clusterContract } from '../contract/cluster.ts';
import { type ContractCluster, signal } from '../contract/cluster-members.ts';
import { cluster, etcdctl, etcdVersions } from '../support/etcd.ts';

for (const { version } of etcdVersions()) {
  clusterContract(`etcd ${version}`, (members) => realCluster(version, members));
}

async function realCluster(version: string, members: number): Promise<ContractCluster> {
  const etcd = await cluster(version, { members });
  for (const url of etcd.clientUrls) await untilAllKnown(connectTo([url]));
  const tell = async (...words: string[]) => void (await etcdctl(etcd, words));
  return {
    port: connectTo(etcd.clientUrls),
    put: (key, value) => tell('put', key, value),
    remove: (key) => tell('del', key),
    compact: (at) => tell('compact', String(at)),
    stop: async (name) => etcd.members.find((member) => member.name === name)?.kill('SIGKILL'),
    addLearner: async (name) => {
      await etcd.addMember(name, { learner: true });
      for (const { clientUrl } of etcd.members.slice(0, members)) {
        await untilAllKnown(connectTo([clientUrl]));
      }
    },
    async [Symbol.asyncDispose]() {
      // A member that is asked to end first looks seconds long for somebody to hand its lead to.
      await Promise.all(etcd.members.map((member) => member.running && member.kill('SIGKILL')));
      await etcd[Symbol.asyncDispose]();
    },
  };
}

function connectTo(endpoints: readonly string[]): Cluster {
  const tls = { ca: null, client: null, serverName: null };
  return connectCluster({ endpoints, tls, auth: null, requestTimeoutMs: 2000 });
}

/** A member is healthy a moment before it has told the others its name and its URL. */
async function untilAllKnown(port: Cluster): Promise<void> {
  for (;;) {
    const { members } = await port.survey({ signal });
    if (members.every(({ status }) => !(status instanceof Failure))) return;
    await sleep(50);
  }
}
