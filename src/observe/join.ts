import type { Observe } from '../core/events.ts';
import { scrubText } from './scrub.ts';

/**
 * Several observers as one. An observer that throws must not stop a backup, nor keep the others
 * from hearing; it is complained about once, because the log itself may be the one that throws.
 */
export function joinObservers(
  observers: Readonly<Record<string, Observe>>,
  complain: (line: string) => void = complainToStderr,
): Observe {
  const blamed = new Set<string>();
  return (event) => {
    for (const [name, observe] of Object.entries(observers)) {
      try {
        observe(event);
      } catch (thrown) {
        if (blamed.has(name)) continue;
        blamed.add(name);
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        const line = `etcd-backupd: observer ${name} failed on ${event.kind}: ${reason}`;
        complain(`${scrubText(line)} (said once)`);
      }
    }
  };
}

function complainToStderr(line: string): void {
  try {
    process.stderr.write(`${line}\n`);
  } catch {
    // stderr is the last place there is: when it is gone too, going on matters more.
  }
}
