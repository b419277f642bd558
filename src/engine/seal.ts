/** Seals a proved snapshot once, for all stores. With nothing to do it is stored as it came. */
import { createHash, randomBytes } from 'node:crypto';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { SealSuffix } from '../core/names.ts';
import type { SpoolFile } from '../spool/file.ts';
import { macKeyOf, newFileKey } from '../stream/age.ts';
import { changesBytes, encryptionOf, seal, sealSuffix, unseal } from '../stream/seal.ts';
import type { EngineDeps } from './deps.ts';
import type { DrawnSnapshot } from './draw.ts';

/** What stores are given. Disposing removes the file. */
export interface SealedSnapshot extends AsyncDisposable {
  readonly file: SpoolFile;
  readonly suffix: SealSuffix;
  readonly facts: Omit<Manifest['sealed'], 'object'>;
  /** Known from the beginning of the sealing; null: nothing is encrypted. */
  readonly macKey: Uint8Array | null;
}

const tellEveryBytes = 4 * 1024 * 1024;

/** Where it seals, it takes the drawn file away: a slow store must not keep two on the disk. */
export async function sealSnapshot(
  drawn: DrawnSnapshot,
  deps: Pick<EngineDeps, 'seal' | 'spool' | 'observe'>,
  signal: AbortSignal,
): Promise<SealedSnapshot> {
  const rules = deps.seal;
  if (!changesBytes(rules)) return unchanged(drawn);
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await deps.spool.create(drawn.file.sizeBytes));
  const hash = createHash('sha256');
  const fileKey = newFileKey();
  for await (const chunk of seal(readAndTell(drawn.file, deps), rules, fileKey)) {
    signal.throwIfAborted();
    hash.update(chunk);
    await file.append([chunk], signal);
  }
  await file.flush(signal);
  await drawn.file[Symbol.asyncDispose]();
  const held = opened.move();
  const { sizeBytes } = file;
  const sha256 = hash.digest('hex');
  const facts = { sizeBytes, sha256, codec: rules.codec, encryption: encryptionOf(rules) };
  const suffix = sealSuffix(rules);
  const macKey = facts.encryption && macKeyOf(fileKey);
  return { file, suffix, facts, macKey, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/**
 * Seals something small and, where there are identities, opens it again: an identity that does not
 * fit the recipients is found out before it is needed. Says what was done, for people.
 */
export async function trySeal({
  seal: rules,
  identities,
}: Pick<EngineDeps, 'seal' | 'identities'>): Promise<string> {
  const content = randomBytes(1024);
  const encryption = encryptionOf(rules);
  const packed = rules.codec === 'none' ? [] : [`packed with ${rules.codec}`];
  const to = encryption === null ? [] : [`encrypted to ${encryption.recipients.join(', ')}`];
  const done = [...packed, ...to].join(', ');
  const known = encryption === null ? [] : identities();
  const sealed: Uint8Array[] = [];
  for await (const chunk of seal(once(content), rules)) sealed.push(Uint8Array.from(chunk));
  if (encryption !== null && known.length === 0) return `${done}; no identity here opens it`;
  const opened: Uint8Array[] = [];
  const facts = { codec: rules.codec, encryption };
  for await (const chunk of unseal(once(Buffer.concat(sealed)), facts, known)) {
    opened.push(Uint8Array.from(chunk));
  }
  if (Buffer.concat(opened).equals(content)) return `${done}, and opened again`;
  throw new Failure('internal', 'what was sealed did not open to the same bytes');
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

function unchanged({ file, proved }: DrawnSnapshot): SealedSnapshot {
  const { sizeBytes } = file;
  const sha256 = proved.digests.fileSha256;
  const facts = { sizeBytes, sha256, codec: 'none', encryption: null } as const;
  return { file, suffix: '', facts, macKey: null, [Symbol.asyncDispose]: async () => undefined };
}

async function* readAndTell(
  file: SpoolFile,
  { observe }: Pick<EngineDeps, 'observe'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const totalBytes = file.sizeBytes;
  let doneBytes = 0;
  let toldBytes = 0;
  for await (const chunk of file.bytes()) {
    yield chunk;
    doneBytes += chunk.byteLength;
    if (doneBytes < totalBytes && doneBytes - toldBytes < tellEveryBytes) continue;
    toldBytes = doneBytes;
    observe({ kind: 'step-advanced', step: 'seal', doneBytes, totalBytes });
  }
}
