/**
 * What every store must do: one suite, run against each of them. It uses nothing but the port, so
 * that it can hold for a directory, a bucket and the memory alike.
 */
import { describe } from 'vitest';
import type { Store } from '../../src/store/port.ts';
import { getContract } from './store-get.ts';
import { growingContract } from './store-growing.ts';
import { listContract } from './store-list.ts';
import { namesContract } from './store-names.ts';
import { putContract } from './store-put.ts';
import { putFailureContract } from './store-put-failures.ts';
import { removeContract } from './store-remove.ts';

export interface StoreContractOptions {
  /** Why the store cannot be tested here; the suite is skipped with this reason in its title. */
  readonly skip?: string | undefined;
  /** What one put or get may hold in memory; Infinity for a store that is in memory. */
  readonly heldBytesLimit?: number;
  /** Leaves what a killed put leaves behind. */
  readonly abandonPut?: (store: Store) => Promise<void>;
  readonly timeoutMs?: number;
}

export interface StoreContract {
  /** A new, empty store; disposing it also removes what it holds, or the maker sees to that. */
  readonly makeStore: () => Promise<Store>;
  readonly heldBytesLimit: number;
  readonly abandonPut: ((store: Store) => Promise<void>) | undefined;
}

// Eight parts of 5 MiB in flight are fine; a database in memory is not.
const defaultHeldBytes = 40 * 1024 * 1024;

export function storeContract(
  name: string,
  makeStore: () => Promise<Store>,
  options: StoreContractOptions = {},
): void {
  const { skip, heldBytesLimit = defaultHeldBytes, abandonPut, timeoutMs = 60_000 } = options;
  const title = skip === undefined ? `store ${name}` : `store ${name} (skipped: ${skip})`;
  const contract = { makeStore, heldBytesLimit, abandonPut };
  describe.skipIf(skip !== undefined)(title, { timeout: timeoutMs }, () => {
    describe('put', () => putContract(contract));
    describe('a put that fails', () => putFailureContract(contract));
    describe('a body that grows', () => growingContract(contract));
    describe('get', () => getContract(contract));
    describe('list', () => listContract(contract));
    describe('remove and sweep', () => removeContract(contract));
    describe('names', () => namesContract(contract));
  });
}
