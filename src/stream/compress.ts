/** Compression and back, as streams of bytes. The work is done outside of the loop's thread. */
import type { Transform } from 'node:stream';
import {
  constants,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib';
import { Failure } from '../core/errors.ts';

type Bytes = AsyncIterable<Uint8Array>;

export type Codec = 'none' | 'gzip' | 'zstd';

const chunkSize = 256 * 1024;

/** A chunk of `plain` may be overwritten once the next one is asked for. */
export function compress(plain: Bytes, codec: Codec, level: number | null): Bytes {
  if (codec === 'none') return plain;
  if (codec === 'gzip')
    return through(
      plain,
      createGzip({ level: level ?? constants.Z_DEFAULT_COMPRESSION, chunkSize }),
    );
  const params = {
    [constants.ZSTD_c_compressionLevel]: level ?? constants.ZSTD_CLEVEL_DEFAULT,
    // The frame carries its own checksum: `zstd -t` finds damage without our manifest.
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  return through(plain, createZstdCompress({ chunkSize, params }));
}

/** Throws `object-damaged` for bytes that the codec cannot read, or that end too early. */
export async function* decompress(
  packed: Bytes,
  codec: Codec,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (codec === 'none') return yield* packed;
  const unpacker = codec === 'gzip' ? createGunzip : createZstdDecompress;
  try {
    yield* through(packed, unpacker({ chunkSize }));
  } catch (error) {
    if (error instanceof Failure || !isOfCodec(error)) throw error;
    const reason = (error as Error).message;
    throw new Failure('object-damaged', `the ${codec} bytes cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

function isOfCodec(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' && /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code);
}

/** Waits for each chunk to be taken, since its memory is borrowed. */
async function* through(
  source: Bytes,
  transform: Transform,
): AsyncGenerator<Uint8Array, void, undefined> {
  const feeding = feed(source, transform).catch((error: Error) => transform.destroy(error));
  try {
    yield* transform as AsyncIterable<Uint8Array>;
  } finally {
    transform.destroy();
    await feeding;
  }
}

async function feed(source: Bytes, transform: Transform): Promise<void> {
  for await (const chunk of source) {
    if (transform.destroyed) return;
    await new Promise<void>((resolve, reject) => {
      const gone = (): void => resolve();
      transform.once('close', gone);
      transform.write(chunk, (error) => {
        transform.off('close', gone);
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
  transform.end();
}
