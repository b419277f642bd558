import { describe } from 'vitest';
import { liveKeysContract } from '../../contract/live-keys.ts';
import { FakeKeys } from '../../support/fake-keys.ts';

describe('the fake keyspace', () => {
  const port = new FakeKeys();
  liveKeysContract(() => ({
    port,
    put: (key, value) => port.put(key, value),
    remove: (key) => port.remove(key),
  }));
});
