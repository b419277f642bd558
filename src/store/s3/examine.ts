/** What a server can do, tried with a probe: many take what they do not understand. */
import { GetObjectLockConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Connection } from './connection.ts';
import { digestOf } from './digests.ts';
import { serverCode, statusOf } from './failures.ts';
import type { S3StoreOptions } from './options.ts';
import { customerFields } from './put-fields.ts';

interface Probe {
  readonly options: S3StoreOptions;
  readonly connection: Connection;
  readonly object: { readonly Bucket: string; readonly Key: string };
  readonly signal: AbortSignal;
}

/** A line for each thing that a backup depends on. The object exists and is replaced. */
export async function examineServer(probe: Probe): Promise<readonly string[]> {
  return [await tryChecksums(probe), await tryCondition(probe), await tryLock(probe)];
}

/** What servers answer to a digest that is not that of the bytes. */
const wrongDigest = ['BadDigest', 'XAmzContentChecksumMismatch'];
const content = Buffer.from('a probe of etcd-backupd');

/** A server that computes digests refuses a wrong one. */
async function tryChecksums(probe: Probe): Promise<string> {
  const { options } = probe;
  if (options.checksums === 'none') return 'checksums: not asked for, backups are read back';
  const { base64 } = digestOf(Buffer.from('something else'));
  const put = { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: base64 } as const;
  try {
    const { ChecksumSHA256 } = await putProbe(probe, put);
    return ChecksumSHA256 === undefined
      ? 'checksums: ignored, so backups are read back; checksums: none says the same and asks less'
      : 'checksums: returned without being computed: set checksums: none';
  } catch (thrown) {
    probe.signal.throwIfAborted();
    if (statusOf(thrown) === 501) return 'checksums: refused (NotImplemented): set checksums: none';
    const isCompared = wrongDigest.includes(serverCode(thrown) ?? '');
    return isCompared ? 'checksums: compared' : `checksums: not known (${serverCode(thrown)})`;
  }
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

function putProbe({ options, connection, object, signal }: Probe, fields: object) {
  const command = new PutObjectCommand({
    ...object,
    ...customerFields(options),
    ...fields,
    Body: content,
    ContentLength: content.byteLength,
  });
  const call = { signal, action: `put ${object.Key}`, bytes: content.byteLength, tries: 1 };
  return connection.tryCall((client, limits) => client.send(command, limits), call);
}
