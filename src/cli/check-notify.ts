/** Tries whom others are told by. */
import type { Config } from '../config/config.ts';
import { type NotifyWay, pingName, type SecretPlace } from '../config/notify-config.ts';
import { Failure, toFailure } from '../core/errors.ts';
import type { Notice } from '../core/notice.ts';
import type { CheckResult } from '../engine/check.ts';
import type { Target } from '../notify/courier.ts';
import { post } from '../notify/post.ts';
import { reach } from '../notify/reach.ts';
import type { Call } from './command.ts';
import { placeOf, webhookTargets } from './notifier.ts';

/**
 * Connects to each, looks at its certificate and writes the message that it would be sent. Nothing
 * is sent: a message may wake somebody, and a ping would vouch for a backup that nobody has taken.
 * With `--notify` webhooks get a message of the kind `test`.
 */
export async function checkNotify(
  config: Config,
  call: Pick<Call, 'signal' | 'values'>,
): Promise<readonly CheckResult[]> {
  const { ping, webhooks } = config.notify;
  const pings = [ping.success, ping.failure].filter((url) => url !== null);
  const results: CheckResult[] = [];
  for (const url of pings) {
    results.push(await attempt(pingName, () => tryPlace(url, ping, call)));
  }
  for (const [index, target] of webhookTargets(config).entries()) {
    const webhook = webhooks[index];
    if (webhook === undefined) continue;
    const subject = `webhook ${target.name}`;
    const work = call.values.notify === true ? trySending : tryWriting;
    results.push(
      await attempt(subject, async () => {
        return (await work(target, call)) ?? (await tryPlace(webhook.url, webhook, call));
      }),
    );
  }
  call.signal.throwIfAborted();
  return results;
}

async function attempt(subject: string, work: () => Promise<string>): Promise<CheckResult> {
  try {
    return { subject, detail: await work(), failure: undefined };
  } catch (thrown) {
    const failure = toFailure(thrown);
    return { subject, detail: failure.message, failure };
  }
}

async function tryPlace(
  url: SecretPlace,
  way: NotifyWay,
  { signal }: Pick<Call, 'signal'>,
): Promise<string> {
  return reach(placeOf(url, way), signal);
}

async function tryWriting(target: Target): Promise<undefined> {
  target.write(testNotice());
}

async function trySending(target: Target, { signal }: Pick<Call, 'signal'>): Promise<string> {
  const { taken, detail } = await post(target.write(testNotice()), signal);
  if (!taken) throw new Failure('notify-failed', detail);
  return `${detail}: it got a test message`;
}

function testNotice(): Notice {
  const text = 'a test message, asked for by "etcd-backupd check --notify": nothing has happened';
  const about = { store: null, backup: null, failure: null };
  return { kind: 'test', level: 'info', at: new Date(), text, ...about };
}
