import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range from which Linux and macOS take the ports of outgoing connections (32768 and
// 49152 up): a member that is down keeps its port for its restart, and a stranger's outgoing
// connection must not sit on it by then.
const lowest = 15_000;
const highest = 32_000;

/** Loopback ports that nobody listens on now. Another program can still win the race for one. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  // Far more tries than are ever needed; a machine without free ports must not hang us.
  for (let tries = 0; ports.size < count && tries < 1000; tries += 1) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}
