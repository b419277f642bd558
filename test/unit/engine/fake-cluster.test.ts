/** The cluster that the engine is tested with is held to the contract of real ones. */

import { clusterContract } from '../../contract/cluster.ts';
import type { ContractCluster } from '../../contract/cluster-members.ts';
import { FakeCluster } from '../../support/fake-cluster.ts';

clusterContract('in memory', async (members): Promise<ContractCluster> => {
  const port = new FakeCluster(members);
  return {
    port,
    put: async (key, value) => port.write({ put: key, value }),
    remove: async (key) => port.write({ remove: key }),
    compact: async (at) => port.compact(at),
    stop: async (name) => {
      port.member(name).down = true;
    },
    addLearner: async (name) => void port.add(name, { learner: true }),
    [Symbol.asyncDispose]: () => port[Symbol.asyncDispose](),
  };
});
