/**
 * The road back from a store: what it holds is compared with what was proved when the backup was
 * taken, unsealed, and where asked proved again as if it had just been drained.
 */
import { createHash } from 'node:crypto';
import { Failure, toFailure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { SpoolFile } from '../spool/file.ts';
import type { ProvedFile, Prover } from '../spool/prover.ts';
import type { Store } from '../store/port.ts';
import type { Identity } from '../stream/age-keys.ts';
import { unseal } from '../stream/seal.ts';
import type { EngineDeps } from './deps.ts';
import { arrivingBytes, type FetchOptions, requireStored, storedBytes } from './read-back.ts';
import { requireMac } from './trust.ts';

/** A backup's snapshot in the spool, proved. Disposing ends the thread and removes the file. */
export interface FetchedSnapshot extends AsyncDisposable {
  readonly file: SpoolFile;
  readonly prover: Prover;
  readonly proved: ProvedFile;
}

/** What opens a backup where it is encrypted. */
export interface Opener {
  readonly identities: readonly Identity[];
  /** Told before the first byte of the data; throws where the manifest is not the data's own. */
  readonly onMacKey: (macKey: Uint8Array) => void;
}

/**
 * Fetches a backup into the spool and proves it page by page. Throws `object-damaged` when the
 * store holds other bytes or the manifest tells of another database, `backup-untrusted` when the
 * encrypted data does not vouch for the manifest, `snapshot-corrupt` when the
 * database has a fault, `object-missing`, `spool-full`, or the failure of the store or the spool.
 * Whatever it throws, nothing is left in the spool.
 */
export async function fetchProved(
  manifest: Manifest,
  store: Store,
  deps: Pick<EngineDeps, 'spool' | 'prove' | 'identities' | 'trust'>,
  options: FetchOptions,
): Promise<FetchedSnapshot> {
  const opener = openerFor(manifest, deps);
  await using opened = new AsyncDisposableStack();
  const file = opened.use(await deps.spool.create(manifest.raw.sizeBytes));
  const prover = opened.use(deps.prove(file));
  await fetchInto({ file, prover }, manifest, store, opener, options);
  const proved = await proveSame(prover, file, manifest, store, options.signal);
  const kept = opened.move();
  return { file, prover, proved, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * Fetches the snapshot into a file, unsealed and followed by its proof, comparing what is stored
 * with the manifest on the way, less what `proveSame` compares. Throws `backup-locked` where it is
 * encrypted and no identity fits, and `backup-untrusted` where what is encrypted belongs to another
 * manifest.
 */
export async function fetchInto(
  { file, prover }: Pick<FetchedSnapshot, 'file' | 'prover'>,
  manifest: Manifest,
  store: Store,
  opener: Opener,
  options: FetchOptions,
): Promise<void> {
  file.onAdvance = (sizeBytes) => prover.advance(sizeBytes);
  for await (const chunk of rawBytes(manifest, store, opener, options)) {
    await file.append([chunk], options.signal);
    // A store may wait, as the sender of a snapshot may not.
    await prover.caughtUp(options.signal);
  }
  await file.flush(options.signal);
}

/** Never gives more than the manifest tells of: sealed bytes of a stranger could fill the disk. */
async function* rawBytes(
  manifest: Manifest,
  store: Store,
  opener: Opener,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { sealed, raw } = manifest;
  const { identities, onMacKey } = opener;
  const damaged = (what: string): Failure =>
    new Failure('object-damaged', `${store.name}: ${sealed.object}: ${what}`);
  let ended = false;
  let storeFault: unknown;
  const stored = async function* () {
    try {
      yield* isPlain(manifest)
        ? arrivingBytes(manifest, store, options)
        : storedBytes(manifest, store, options);
      ended = true;
    } catch (error) {
      storeFault = error;
      throw error;
    }
  };
  let givenBytes = 0;
  try {
    for await (const chunk of unseal(stored(), sealed, identities, onMacKey)) {
      givenBytes += chunk.byteLength;
      if (givenBytes > raw.sizeBytes) break;
      yield chunk;
    }
  } catch (error) {
    if (storeFault !== undefined) throw storeFault;
    const { code, message } = toFailure(error);
    if (code === 'backup-locked')
      throw locked(manifest, 'no identity that was given is one of them');
    throw code === 'object-damaged' ? damaged(message) : error;
  }
  if (givenBytes > raw.sizeBytes) throw damaged(`it unseals to more than ${raw.sizeBytes} bytes`);
  if (!ended) throw damaged('there are bytes behind its end');
  if (givenBytes < raw.sizeBytes) {
    throw damaged(`it unseals to ${givenBytes} bytes, not ${raw.sizeBytes}`);
  }
}

/** What may open the backup. Throws `backup-locked` when it is encrypted and there is none. */
export function openerFor(
  manifest: Manifest,
  deps: Pick<EngineDeps, 'identities' | 'trust'>,
): Opener {
  const onMacKey = (macKey: Uint8Array): void => requireMac(manifest, macKey, deps);
  if (manifest.sealed.encryption === null) return { identities: [], onMacKey };
  const identities = deps.identities();
  if (identities.length === 0) throw locked(manifest, 'no identity was given');
  return { identities, onMacKey };
}

function locked({ id, sealed }: Manifest, reason: string): Failure {
  const recipients = (sealed.encryption?.recipients ?? []).join(', ');
  const message = `backup ${id} is encrypted to ${recipients}, and ${reason}`;
  return new Failure('backup-locked', message);
}

/** Then the proof hashes what is stored: once is enough. */
function isPlain({ sealed }: Manifest): boolean {
  return sealed.codec === 'none' && sealed.encryption === null;
}

/**
 * Proves the fetched file and that it is the database that the manifest tells of. The proof of a
 * large one takes a while, so it ends with the signal.
 */
export async function proveSame(
  prover: Prover,
  file: SpoolFile,
  manifest: Manifest,
  store: Store,
  signal: AbortSignal,
): Promise<ProvedFile> {
  const end = (): void => void prover[Symbol.asyncDispose]();
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    const proved = await prover.finish(file.sizeBytes).catch(async (error: unknown) => {
      // What is wrong may be what the store holds, and then no other fault counts.
      if (isPlain(manifest)) requireStored(await sha256Of(file, signal), manifest, store);
      throw error;
    });
    if (isPlain(manifest)) requireStored(proved.digests.fileSha256, manifest, store);
    // First: a file of another history cannot even be asked for that hash.
    requireSame(manifest, proved, store);
    const hash = await prover.hashKv(manifest.hashKv);
    if (hash !== manifest.hashKv.hash) throw another('HashKV', store);
    return proved;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Of what is in the file, which nobody appends to meanwhile. */
async function sha256Of(file: SpoolFile, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  file.end();
  for await (const chunk of file.bytes()) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest('hex');
}

/** The bytes are those that were stored; the manifest must speak of the same database. */
function requireSame(manifest: Manifest, { facts, digests }: ProvedFile, store: Store): void {
  const differences = [
    digests.fileSha256 === manifest.raw.sha256 ? [] : ['SHA-256'],
    facts.statusHash === manifest.statusHash ? [] : ['status hash'],
    facts.revision === manifest.revision ? [] : ['revision'],
    facts.totalRows === manifest.totalRows ? [] : ['total rows'],
    facts.keys === manifest.keys ? [] : ['keys'],
    facts.currentRevision === manifest.hashKv.revision ? [] : ['revision of the HashKV'],
  ].flat();
  if (differences.length > 0) throw another(differences.join(', '), store);
}

function another(what: string, store: Store): Failure {
  return new Failure('object-damaged', `${store.name}: the manifest tells another ${what}`);
}
