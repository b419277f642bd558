/**
 * How fast snapshots are sealed and unsealed, in MB/s of plain bytes, in turn with the programs
 * `zstd -1` and `age` where they are on PATH. BENCH_BYTES (default 512 MiB), BENCH_ROUNDS (3).
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { recipientText } from '../../src/core/age-text.ts';
import { encodeBech32 } from '../../src/core/bech32.ts';
import { parseIdentities } from '../../src/stream/age-keys.ts';
import { encryptionOf, type SealRules, seal, unseal } from '../../src/stream/seal.ts';
import { whichProgram } from '../setup/program.ts';

const bytes = Number(process.env['BENCH_BYTES'] ?? 512 * 1024 ** 2);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const dir = mkdtempSync(join(tmpdir(), 'bench-seal-'));
using cleanup = new DisposableStack();
cleanup.defer(() => rmSync(dir, { recursive: true }));

const [plain, sealed, keyFile] = ['plain', 'sealed', 'identity'].map((name) => join(dir, name)) as [
  string,
  string,
  string,
];
const secret = encodeBech32('age-secret-key-', randomBytes(32)).toUpperCase();
writeFileSync(keyFile, `${secret}\n`, { mode: 0o600 });
const [identity] = parseIdentities(secret, 'the bench');
if (identity === undefined) throw new Error('no identity');
const recipient = recipientText(identity.publicBytes);
writePlain();

const none: SealRules = { codec: 'none', level: null, recipients: [] };
const recipients = [identity.publicBytes];
const ours: Record<string, SealRules> = {
  'zstd -1': { ...none, codec: 'zstd', level: 1 },
  age: { ...none, recipients },
  'zstd -1, age': { codec: 'zstd', level: 1, recipients },
};
const zstd = whichProgram('zstd', process.env);
const age = whichProgram('age', process.env);
const programs: Record<string, readonly string[] | undefined> = {
  'zstd -1': zstd === undefined ? undefined : [zstd, '-1', '-q', '-c', plain],
  age: age === undefined ? undefined : [age, '-r', recipient, plain],
};

const loads = loadavg().map((one) => one.toFixed(1));
console.log(`${(bytes / 1e6).toFixed(0)} MB, ${rounds} rounds, load before: ${loads.join(' ')}`);
for (const [name, rules] of Object.entries(ours)) {
  const program = programs[name];
  await save(seal(read(plain), rules), sealed);
  const rates: Record<string, number[]> = { seal: [], unseal: [], program: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const measured = {
      seal: await rateOf(() => drain(seal(read(plain), rules))),
      unseal: await rateOf(() => drain(unseal(read(sealed), sealedBy(rules), [identity]))),
      program: program === undefined ? Number.NaN : await rateOf(() => run(program)),
    };
    // The first round warms up.
    if (round === 0) continue;
    for (const [what, rate] of Object.entries(measured)) rates[what]?.push(rate);
  }
  const told = Object.entries(rates).map(([what, all]) => {
    const rate = all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
    return `${what} ${Number.isNaN(rate) ? 'not here' : `${rate.toFixed(0)} MB/s`}`;
  });
  console.log(`${name.padEnd(14)} ${told.join(', ')}`);
}

function sealedBy({ codec, ...rules }: SealRules) {
  const encryption = encryptionOf({ codec, ...rules });
  return { object: '', sizeBytes: 0, sha256: '', codec, encryption };
}

/** Keys and values as an etcd of Kubernetes has them: half text that repeats, half that does not. */
function writePlain(): void {
  const file = openSync(plain, 'w');
  for (let written = 0; written < bytes; ) {
    const rows = Array.from({ length: 500 }, (_, at) => {
      const id = randomBytes(400).toString('base64');
      return `/registry/pods/shop/web-${written + at}{"kind":"Pod","metadata":{"uid":"${id}"}}`;
    });
    const block = Buffer.from(rows.join('\0'.repeat(100)));
    written += writeSync(file, block.subarray(0, Math.min(block.length, bytes - written)));
  }
}

function read(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 256 * 1024 });
}

async function save(source: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const file = openSync(path, 'w');
  for await (const chunk of source) writeSync(file, chunk);
  closeSync(file);
}

/** What is measured is the sealing, not the disk. */
async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of source);
}

async function rateOf(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return bytes / 1e6 / ((performance.now() - startedMs) / 1000);
}

async function run([program = '', ...args]: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
}
