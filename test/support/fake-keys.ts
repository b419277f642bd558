/** A keyspace in memory behind the port of live keys: transactions, revisions, small pages. */
import type {
  Applied,
  KeyChange,
  KeyPage,
  KeyRange,
  LiveKeys,
} from '../../src/cluster/keys-port.ts';
import { type ClusterId, clusterId, revision } from '../../src/core/backup.ts';

interface Kept {
  readonly value: Uint8Array;
  readonly modRevision: bigint;
  readonly lease: bigint;
}

export interface FakeKeysOptions {
  readonly cluster?: ClusterId;
  readonly pageKeys?: number;
  /** Larger transactions are refused. */
  readonly mostChanges?: number;
}

export class FakeKeys implements LiveKeys {
  readonly cluster: ClusterId;
  /** The sizes of the transactions that came, in their order. */
  readonly sizes: number[] = [];
  /** Called before each transaction is looked at. */
  onApply: (changes: readonly KeyChange[]) => void | Promise<void> = () => undefined;
  readonly #kept = new Map<string, Kept>();
  readonly #options: FakeKeysOptions;
  #revision = 1n;

  constructor(options: FakeKeysOptions = {}) {
    this.cluster = options.cluster ?? clusterId('cdf818194e3a8c32');
    this.#options = options;
  }

  put(key: string | Uint8Array, value: string | Uint8Array, lease = 0n): void {
    this.#revision += 1n;
    const kept = { value: Buffer.from(value as string), modRevision: this.#revision, lease };
    this.#kept.set(nameOf(Buffer.from(key as string)), kept);
  }

  remove(key: string): void {
    this.#revision += 1n;
    this.#kept.delete(nameOf(Buffer.from(key)));
  }

  /** Keys and values as text. */
  all(): Record<string, string> {
    const sorted = [...this.#kept].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      sorted.map(([name, { value }]) => [String(Buffer.from(name, 'latin1')), String(value)]),
    );
  }

  leaseOf(key: string): bigint | undefined {
    return this.#kept.get(nameOf(Buffer.from(key)))?.lease;
  }

  async *read({ from, end }: KeyRange): AsyncGenerator<KeyPage> {
    const [first, last] = [nameOf(from), nameOf(end)];
    const inRange = ([name]: [string, Kept]): boolean =>
      name >= first && (last === '\0' || name < last);
    const keys = [...this.#kept]
      .filter(inRange)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, kept]) => ({ key: Buffer.from(name, 'latin1'), ...kept }));
    const seen = { clusterId: this.cluster, revision: revision(this.#revision) };
    const { pageKeys = 3 } = this.#options;
    for (let at = 0; at === 0 || at < keys.length; at += pageKeys) {
      yield { ...seen, keys: keys.slice(at, at + pageKeys) };
    }
  }

  async apply(changes: readonly KeyChange[]): Promise<Applied> {
    this.sizes.push(changes.length);
    await this.onApply(changes);
    const { mostChanges = 128 } = this.#options;
    if (changes.length > mostChanges) return { outcome: 'too-large' };
    const found = changes.map(({ key }) => this.#kept.get(nameOf(key))?.modRevision ?? 0n);
    if (changes.some(({ expected }, at) => expected !== found[at])) {
      return { outcome: 'conflict', found };
    }
    this.#revision += 1n;
    for (const { key, value } of changes) {
      if (value === null) this.#kept.delete(nameOf(key));
      else this.#kept.set(nameOf(key), { value, modRevision: this.#revision, lease: 0n });
    }
    return { outcome: 'written' };
  }
}

/** One character for one byte: texts have the order of the bytes. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
