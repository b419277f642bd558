/**
 * The house that is lived in, and the configuration that it was built by. Whoever works in a house
 * stays in it to the end: one that was left for another is closed after its last work.
 */
import type { LoadedConfig } from '../config/load.ts';
import type { EngineDeps } from '../engine/deps.ts';
import type { House, HouseDeps } from './wire.ts';

/** Where work is done that must end where it began. */
export interface Lodging {
  use<T>(work: (deps: EngineDeps) => Promise<T>): Promise<T>;
}

interface Dwelling {
  readonly loaded: LoadedConfig;
  readonly house: House;
  /** Pieces of work in it, and one more while it is lived in. */
  uses: number;
}

export class Residence implements Lodging, AsyncDisposable {
  #current: Dwelling;
  readonly #open = new Set<Dwelling>();
  readonly #closing = new Set<Promise<void>>();

  constructor(loaded: LoadedConfig, house: House) {
    this.#current = this.#moveInto(loaded, house);
  }

  get loaded(): LoadedConfig {
    return this.#current.loaded;
  }

  get deps(): HouseDeps {
    return this.#current.house.deps;
  }

  /** Work that goes on in its house when the residence moves meanwhile. */
  async use<T>(work: (deps: HouseDeps, loaded: LoadedConfig) => Promise<T>): Promise<T> {
    const dwelling = this.#current;
    dwelling.uses += 1;
    try {
      return await work(dwelling.house.deps, dwelling.loaded);
    } finally {
      this.#leave(dwelling);
    }
  }

  move(loaded: LoadedConfig, house: House): void {
    const left = this.#current;
    this.#current = this.#moveInto(loaded, house);
    this.#leave(left);
  }

  /** Closes all houses; work that still goes on in one is cut off. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const dwelling of this.#open) this.#close(dwelling);
    await Promise.all(this.#closing);
  }

  #moveInto(loaded: LoadedConfig, house: House): Dwelling {
    const dwelling = { loaded, house, uses: 1 };
    this.#open.add(dwelling);
    return dwelling;
  }

  #leave(dwelling: Dwelling): void {
    dwelling.uses -= 1;
    if (dwelling.uses === 0 && this.#open.has(dwelling)) this.#close(dwelling);
  }

  #close(dwelling: Dwelling): void {
    this.#open.delete(dwelling);
    const closed = Promise.resolve(dwelling.house[Symbol.asyncDispose]());
    this.#closing.add(closed);
    // One that fails stays, for whoever closes all: nobody else waits for it.
    void closed.then(
      () => this.#closing.delete(closed),
      () => undefined,
    );
  }
}
