/** Whether a server computes sums of what it receives: one that does refuses a wrong one. */
import { type Checksums, checksumsOfWhole, type Sum } from './checksums.ts';
import { serverCode, statusOf } from './failures.ts';
import { type Probe, probeContent, putProbe } from './probe.ts';
import { customerFields } from './put-fields.ts';
import { type SentPart, Upload, type UploadPlace } from './upload.ts';

const ignored = 'ignored, so backups are read back; checksums: none says the same and asks less';
const echoed = 'returned without being computed: set checksums: none';
const unsigned = 'denied (AccessDenied): set checksums: sha256 if a policy demands signed content';
/** What servers answer to a sum that is not that of the bytes. */
const wrongSum = ['BadDigest', 'XAmzContentChecksumMismatch'];

/** A line about what is sent in one request, and one about what is sent in parts. */
export async function examineChecksums(probe: Probe): Promise<readonly string[]> {
  if (probe.options.checksums === 'none') {
    return ['checksums: not asked for, backups are read back'];
  }
  const whole = await inWords(probe, tryWhole);
  const parts = await inWords(probe, tryParts);
  return [`checksums: ${whole}`, `checksums in parts: ${parts}`];
}

async function inWords(probe: Probe, attempt: (probe: Probe) => Promise<string>): Promise<string> {
  try {
    return await attempt(probe);
  } catch (thrown) {
    probe.signal.throwIfAborted();
    if (statusOf(thrown) === 501) return 'refused (NotImplemented): set checksums: none';
    return `not known (${serverCode(thrown) ?? (thrown as Error).message})`;
  }
}

async function tryWhole(probe: Probe): Promise<string> {
  const checksums = checksumsOfWhole(probe.options);
  const { told } = wrongSumOf(checksums);
  const answer = await unlessRefused(putProbe(probe, { ...checksums.algorithm, ...told }));
  if (answer === undefined) return 'compared';
  return answer.ChecksumSHA256 === undefined ? ignored : echoed;
}

async function tryParts({ options, connection, object, signal }: Probe): Promise<string> {
  const call: UploadPlace['call'] = (send, limits) =>
    connection.tryCall(send, { ...limits, tries: 1 });
  const place = { store: options, object: { ...object, ...customerFields(options) }, call };
  const upload = await Upload.begin(place, signal);
  try {
    return await tryPart(upload, signal);
  } catch (thrown) {
    await upload.abandon();
    // Who may begin an upload has the right to send its parts.
    const isUnsigned = options.checksums === 'auto' && serverCode(thrown) === 'AccessDenied';
    if (isUnsigned) return unsigned;
    throw thrown;
  }
}

async function tryPart(upload: Upload, signal: AbortSignal): Promise<string> {
  const { checksums } = upload;
  const send = (sum: Sum): Promise<SentPart> =>
    upload.send({ number: 1, bytes: probeContent }, sum, signal);
  const taken = await unlessRefused(send(wrongSumOf(checksums)));
  const part = taken ?? (await send(checksums.sumOf(probeContent)));
  const answer = await upload.complete([part], {}, signal);
  const isCovered = checksums.covers([part.sum], answer);
  if (taken !== undefined) return isCovered ? echoed : ignored;
  if (!isCovered) return 'compared, but not of the object, so backups are read back';
  const { ChecksumCRC32C } = part.sum.told;
  const isOfObject = ChecksumCRC32C !== undefined && answer.ChecksumCRC32C === ChecksumCRC32C;
  return isOfObject ? 'compared, and one of the whole object' : 'compared, part by part';
}

/** Of other bytes than the probe's, which the request itself is signed with. */
function wrongSumOf({ sumOf }: Checksums): Sum {
  const { payload } = sumOf(probeContent);
  return { ...sumOf(Buffer.from('something else')), payload };
}

async function unlessRefused<T>(attempt: Promise<T>): Promise<T | undefined> {
  try {
    return await attempt;
  } catch (thrown) {
    if (wrongSum.includes(serverCode(thrown) ?? '')) return undefined;
    throw thrown;
  }
}
