/** Seals a snapshot once, for all stores. With nothing to do it is stored as it came. */
import { createHash, randomBytes } from 'node:crypto';
import { Failure } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { SealSuffix } from '../core/names.ts';
import type { SpoolFile } from '../spool/file.ts';
import type { ProvedFile } from '../spool/prover.ts';
import { macKeyOf, newFileKey } from '../stream/age.ts';
import { changesBytes, encryptionOf, seal, sealSuffix, unseal } from '../stream/seal.ts';
import type { EngineDeps } from './deps.ts';
import { tellEveryBytes } from './read-back.ts';

type SealedFacts = Omit<Manifest['sealed'], 'object'>;

/** What stores are given, while it is being made. Disposing removes the file if it is a new one. */
export interface Sealing extends AsyncDisposable {
  /** Ends with the last sealed byte. Where nothing is to be done, the drawn file itself. */
  readonly file: SpoolFile;
  readonly suffix: SealSuffix;
  /** Only who made the data or can open it knows it; null: nothing is encrypted. */
  readonly macKey: Uint8Array | null;
  /** Waits for the end. */
  facts(proved: ProvedFile): Promise<SealedFacts>;
}

type SealDeps = Pick<EngineDeps, 'seal' | 'spool' | 'observe'>;

/** Begins at once and follows the drawn file, which may have just been made. */
export async function sealAlong(
  drawn: SpoolFile,
  aboutBytes: number,
  deps: SealDeps,
  signal: AbortSignal,
): Promise<Sealing> {
  if (!changesBytes(deps.seal)) return unchanged(drawn);
  const file = await deps.spool.create(aboutBytes);
  const fileKey = newFileKey();
  const work = new SealWork(drawn, file, fileKey, deps, signal);
  return {
    file,
    suffix: sealSuffix(deps.seal),
    macKey: deps.seal.recipients.length === 0 ? null : macKeyOf(fileKey),
    facts: () => work.facts(),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

class SealWork {
  readonly #drawn: SpoolFile;
  readonly #deps: SealDeps;
  readonly #done: Promise<SealedFacts>;
  #isTold = false;
  #doneBytes = 0;
  #toldBytes = 0;

  constructor(
    drawn: SpoolFile,
    file: SpoolFile,
    fileKey: Uint8Array,
    deps: SealDeps,
    signal: AbortSignal,
  ) {
    this.#drawn = drawn;
    this.#deps = deps;
    this.#done = this.#seal(file, fileKey, signal);
    // A drain that breaks off breaks this off, and tells why itself.
    this.#done.catch(() => undefined);
  }

  /** From now on the run waits for it. */
  facts(): Promise<SealedFacts> {
    this.#isTold = true;
    return this.#done;
  }

  async #seal(file: SpoolFile, fileKey: Uint8Array, signal: AbortSignal): Promise<SealedFacts> {
    const rules = this.#deps.seal;
    const hash = createHash('sha256');
    for await (const chunk of seal(this.#drawnBytes(), rules, fileKey)) {
      signal.throwIfAborted();
      hash.update(chunk);
      await file.append([chunk], signal);
    }
    await file.flush(signal);
    file.end();
    const { sizeBytes } = file;
    const sha256 = hash.digest('hex');
    return { sizeBytes, sha256, codec: rules.codec, encryption: encryptionOf(rules) };
  }

  async *#drawnBytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#drawn.bytes()) {
      yield chunk;
      this.#doneBytes += chunk.byteLength;
      if (this.#isTold) this.#tell();
    }
  }

  #tell(): void {
    const totalBytes = this.#drawn.sizeBytes;
    const doneBytes = this.#doneBytes;
    if (doneBytes < totalBytes && doneBytes - this.#toldBytes < tellEveryBytes) return;
    this.#toldBytes = doneBytes;
    this.#deps.observe({ kind: 'step-advanced', step: 'seal', doneBytes, totalBytes });
  }
}

function unchanged(drawn: SpoolFile): Sealing {
  return {
    file: drawn,
    suffix: '',
    macKey: null,
    facts: async ({ digests }) => {
      const { sizeBytes } = drawn;
      return { sizeBytes, sha256: digests.fileSha256, codec: 'none', encryption: null };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
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
