/** Keys for the demo: a cluster that nobody writes to would prove little. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Writes a key every 50 ms through etcd's JSON gateway until it is disposed. */
export function writeKeys(clientUrl: string): AsyncDisposable {
  const stop = new AbortController();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const write = async (): Promise<void> => {
    for (let count = 0; !stop.signal.aborted; count += 1) {
      const key = base64(`/demo/key-${count % 100}`);
      const value = base64(`value ${count} ${randomBytes(500).toString('hex')}`);
      const body = JSON.stringify({ key, value });
      await fetch(`${clientUrl}/v3/kv/put`, { method: 'POST', body, signal: stop.signal });
      await sleep(50, undefined, { signal: stop.signal });
    }
  };
  const writing = write().catch(() => {
    // Stopped by us, or the cluster is gone: the demo tells that in another place.
  });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await writing;
    },
  };
}
