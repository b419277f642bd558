/**
 * The admin API of a real daemon, asked by its own document: calls that are right in form, calls
 * that are wrong in one way, and anything. FUZZ_SECONDS says for how long, TEST_SEED begins anew.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Asked, anyCall, type Known, rightCall } from '../support/api-calls.ts';
import { type ApiPlace, apiPlace, bearer, type RawAnswer, tokens } from '../support/api-place.ts';
import { wrongCall } from '../support/api-wrong-calls.ts';
import { cluster } from '../support/etcd.ts';
import { seed as fill } from '../support/workload.ts';

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 30);
const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 2 ** 31);
const limitMs = seconds * 1000 + 300_000;

interface Tally {
  readonly statuses: Map<number, number>;
  calls: number;
}

/** For half of the time. Shrinks what fails. */
async function throughout<T>(calls: fc.Arbitrary<T>, check: (call: T) => Promise<void>) {
  const interruptAfterTimeLimit = (seconds * 1000) / 2;
  const rules = { seed, numRuns: 10_000_000, interruptAfterTimeLimit, endOnFailure: false };
  await fc.assert(fc.asyncProperty(calls, check), rules);
}

/** Never a fault of the daemon, always as the document says. */
async function answered(api: ApiPlace, call: Asked, tally: Tally): Promise<RawAnswer> {
  const answer = await api.send(call);
  tally.calls += 1;
  tally.statuses.set(answer.status, (tally.statuses.get(answer.status) ?? 0) + 1);
  if (Number.isNaN(answer.status)) {
    // Nobody can be answered whose request never ends.
    expect(call.fault ?? 'nothing', JSON.stringify(call)).toBe('broken framing');
    return answer;
  }
  const faults = api.faultsOf(call, answer);
  expect({ call, status: answer.status, faults }).toMatchObject({ faults: [] });
  // The log tells what the caller is not told.
  const told = answer.status === 500 ? api.daemon.of('call-failed').slice(-3) : [];
  expect({ call, answer, told }).toMatchObject({ told: [] });
  return answer;
}

async function knownOf(api: ApiPlace): Promise<Known> {
  const head = { headers: { authorization: `Bearer ${tokens.read}` } };
  const { backups } = (await (await api.daemon.get('/v1/backups', head)).json()) as {
    backups: { id: string }[];
  };
  const ids = [...new Set(backups.map(({ id }) => id)), '20200101T000000Z-r00000000000000001'];
  return { document: api.document, backups: ids, root: api.root };
}

test(`the API keeps its word for ${seconds} s (seed ${seed})`, { timeout: limitMs }, async () => {
  await using etcd = await cluster('3.5');
  await fill(etcd);
  await using api = await apiPlace(etcd, 3);
  const known = await knownOf(api);
  const refused: Tally = { statuses: new Map(), calls: 0 };
  const taken: Tally = { statuses: new Map(), calls: 0 };
  let before = await api.fingerprint();

  await throughout(fc.array(wrongCall(known), { minLength: 1, maxLength: 6 }), async (calls) => {
    const answers = await Promise.all(calls.map((call) => answered(api, call, refused)));
    const after = await api.fingerprint();
    const changed = after !== before;
    before = after;
    const statuses = answers.map(({ status }) => status);
    const isRefused = statuses.every((status) => Number.isNaN(status) || status >= 400);
    expect({ calls, statuses, isRefused, changed }).toMatchObject({
      isRefused: true,
      changed: false,
    });
  });

  const mixed = fc.oneof({ weight: 3, arbitrary: rightCall(known) }, anyCall(known));
  await throughout(fc.array(mixed, { minLength: 1, maxLength: 4 }), async (calls) => {
    await Promise.all(calls.map((call) => answered(api, call, taken)));
  });

  await api.untilIdle();
  const faults = api.daemon.of('call-failed').map(({ failure }) => failure);
  const told = (tally: Tally) =>
    [...tally.statuses].sort(([one], [other]) => one - other).map((pair) => pair.join(': '));
  console.info(`seed ${seed}; refused ${refused.calls}: ${told(refused).join(', ')}`);
  console.info(`anything ${taken.calls}: ${told(taken).join(', ')}`);
  expect(faults.filter((failure) => Object(failure).code === 'internal')).toEqual([]);
  // That the calls came through the door: reading was answered, and in a minute work taken too.
  const sure = seconds < 60 ? [200, 404] : [200, 202, 404, 409];
  expect([...taken.statuses.keys()]).toEqual(expect.arrayContaining(sure));
  expect([...refused.statuses.keys()]).toEqual(
    expect.arrayContaining([400, 401, 403, 404, 405, 413, 415, 421]),
  );
  const head = [bearer(tokens.read)];
  const last = await api.send({ method: 'GET', target: '/v1/backups?store=local', headers: head });
  expect(JSON.parse(last.body).backups.length).toBeGreaterThanOrEqual(2);
  expect((await api.daemon.get('/healthz')).status).toBe(200);
  expect(await api.daemon.stop()).toBe(0);
});
