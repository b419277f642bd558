/** What a server can do, tried with a probe: many take what they do not understand. */
import { GetObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { examineChecksums } from './examine-checksums.ts';
import { serverCode, statusOf } from './failures.ts';
import { type Probe, putProbe } from './probe.ts';

/** A line for each thing that a backup depends on. The object exists and is replaced. */
export async function examineServer(probe: Probe): Promise<readonly string[]> {
  return [...(await examineChecksums(probe)), await tryCondition(probe), await tryLock(probe)];
}

async function tryCondition(probe: Probe): Promise<string> {
  const lead = 'new names only:';
  try {
    await putProbe(probe, { IfNoneMatch: '*' });
    return `${lead} ignored, so only the random end of each name keeps daemons apart`;
  } catch (thrown) {
    probe.signal.throwIfAborted();
    if (statusOf(thrown) === 412) return `${lead} yes`;
    if (statusOf(thrown) === 501) return `${lead} no, names are looked at first`;
    return `${lead} not known (${serverCode(thrown)})`;
  }
}

async function tryLock({ connection, object, signal }: Probe): Promise<string> {
  const command = new GetObjectLockConfigurationCommand({ Bucket: object.Bucket });
  const call = { signal, action: 'ask for object lock' };
  try {
    const answer = await connection.tryCall((c, limits) => c.send(command, limits), call);
    const isOn = answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
    return `object lock: ${isOn ? 'yes' : 'no'}`;
  } catch (thrown) {
    signal.throwIfAborted();
    const status = statusOf(thrown);
    if (status === 404 || status === 501) return 'object lock: no';
    return `object lock: not known (${serverCode(thrown)})`;
  }
}
