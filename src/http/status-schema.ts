/** What GET /v1/status shows, as a schema. */
import { backupSteps, runResults, scrubResults } from '../core/events.ts';
import {
  amount,
  backupId,
  bytes,
  count,
  digits,
  hex16,
  list,
  object,
  oneOf,
  orNull,
  proofName,
  record,
  type Schema,
  text,
  time,
  truth,
} from './schema.ts';

const trigger = oneOf(['schedule', 'catch-up', 'start', 'request', 'retry']);
const failure = object({ at: time, code: text, message: text, hint: text });

const newest = object({
  id: backupId,
  startedAt: time,
  revision: digits,
  rawBytes: bytes,
  sealedBytes: bytes,
  proofs: record(time, proofName),
});

const store = object({
  name: text,
  readable: orNull(truth),
  readAt: orNull(time),
  backups: count,
  storedBytes: bytes,
  faults: count,
  damaged: count,
  oldestReadAt: orNull(time),
  newest: orNull(newest),
  missing: orNull(count),
  failure: orNull(failure),
});

const run = object({
  trigger: orNull(trigger),
  slot: orNull(time),
  attempt: count,
  startedAt: time,
  step: oneOf(backupSteps),
  doneBytes: bytes,
  totalBytes: bytes,
  member: orNull(object({ id: hex16, name: text, role: text })),
});

export const statusSchema: Schema = object({
  state: oneOf(['starting', 'running', 'draining', 'stopped']),
  version: orNull(text),
  node: orNull(text),
  cluster: orNull(text),
  startedAt: orNull(time),
  config: object({ since: orNull(time), waiting: truth, refused: orNull(failure) }),
  now: time,
  run: orNull(run),
  lastRun: orNull(
    object({
      result: oneOf(runResults),
      id: orNull(backupId),
      trigger: orNull(trigger),
      startedAt: time,
      finishedAt: time,
      // A wall clock that is put back makes it negative.
      tookMs: { type: 'number' },
    }),
  ),
  nextRun: orNull(object({ at: time, reason: text })),
  retry: orNull(object({ at: time, attempt: count, attempts: count })),
  lastFailure: orNull(failure),
  lastUnchangedAt: orNull(time),
  lastScrub: orNull(
    object({
      finishedAt: time,
      result: oneOf(scrubResults),
      read: count,
      damaged: count,
      repaired: count,
      unread: count,
      tookMs: amount,
    }),
  ),
  consecutiveFailures: count,
  runs: object(Object.fromEntries(runResults.map((result) => [result, count]))),
  stores: list(store),
});
