/**
 * The engine with everything real but etcd: spool and prover, a store in memory and one in a
 * folder, and a fake cluster of three members with a short history. Time only passes when told.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '../../../src/catalog/catalog.ts';
import type { ClusterId } from '../../../src/core/backup.ts';
import type { Event, EventKind } from '../../../src/core/events.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { composeBackupId, dataName } from '../../../src/core/names.ts';
import type { RetentionPolicy } from '../../../src/core/retention.ts';
import { type BackupReport, takeBackup } from '../../../src/engine/backup.ts';
import type { EngineDeps, SourceRules } from '../../../src/engine/deps.ts';
import type { BackupOrder } from '../../../src/engine/order.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { fileStore } from '../../../src/store/file.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import { putBytes } from '../../contract/store-bodies.ts';
import { FakeCluster } from '../../support/fake-cluster.ts';
import { listed } from '../../support/fake-member.ts';
import { type FaultyStore, faultyStore } from '../../support/faults.ts';
import { inlineProver } from '../../support/inline-prover.ts';
import { sampleManifest } from '../core/sample-manifest.ts';

export const hourMs = 3_600_000;

/** For calls that nobody aborts. */
export const { signal } = new AbortController();

export interface WorkshopOptions {
  readonly members?: number;
  readonly source?: Partial<SourceRules>;
  readonly retention?: RetentionPolicy;
  /** The stores by name; both if left out. */
  readonly stores?: readonly ('memory' | 'disk')[];
  readonly spoolMaxBytes?: number;
  readonly deps?: Partial<EngineDeps>;
}

export interface Workshop extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly deps: EngineDeps;
  readonly dir: string;
  readonly spoolDir: string;
  /** Everything that was told so far. */
  readonly events: readonly Event[];
  /** Told each event at the moment it happens; set it before a run. */
  on: (event: Event) => void;
  of<K extends EventKind>(kind: K): Extract<Event, { kind: K }>[];
  /** Moves the clock. */
  pass(ms: number): void;
  /** One run; `changes` are other deps for it alone. */
  backup(
    order?: Partial<BackupOrder>,
    ending?: AbortSignal,
    changes?: Partial<EngineDeps>,
  ): Promise<BackupReport>;
  /** The store, ready to be given faults. */
  store(name: string): FaultyStore;
  catalog(store: string): Catalog;
  /** A backup of the cluster as it is, put into every store without a run; or of another one. */
  place(changes?: Partial<Manifest>, owner?: ClusterId): Promise<Manifest>;
  /** What the store lists, oldest first; throws when it holds something that cannot be believed. */
  listed(store: string): Promise<readonly Manifest[]>;
  /** The names of all files in the spool. */
  spooled(): string[];
}

const placedContent = 'sealed bytes';
const placedFile = {
  sizeBytes: placedContent.length,
  sha256: createHash('sha256').update(placedContent).digest('hex'),
};
const placedManifest: Partial<Manifest> = { hold: null, slot: null, raw: placedFile };
const placedSeal: Manifest['sealed'] = {
  ...sampleManifest().sealed,
  ...placedFile,
  codec: 'none',
  encryption: null,
};

class OpenWorkshop implements Workshop {
  readonly cluster: FakeCluster;
  readonly deps: EngineDeps;
  readonly dir = mkdtempSync(join(tmpdir(), 'etcd-backupd-engine-'));
  readonly spoolDir = join(this.dir, 'spool');
  readonly events: Event[] = [];
  on: (event: Event) => void = () => undefined;
  readonly #stores: readonly FaultyStore[];
  #nowMs = Date.parse('2026-11-20T15:45:00.000Z');

  constructor(options: WorkshopOptions) {
    this.cluster = new FakeCluster(options.members);
    const make = {
      memory: () => memoryStore({ now: () => new Date(this.#nowMs) }),
      disk: () => fileStore({ name: 'disk', root: join(this.dir, 'store') }),
    };
    const names = options.stores ?? (['memory', 'disk'] as const);
    this.#stores = names.map((name) => faultyStore(make[name]()));
    this.cluster.write({ put: '/a', value: 'first' }, { put: '/b', value: 'with it' });
    for (let at = 0; at < 40; at += 1) {
      this.cluster.write({ put: `/key/${at % 30}`, value: `${at} `.repeat(500) });
    }
    this.cluster.write({ remove: '/b' });
    this.deps = { ...this.#depsOf(options), ...options.deps };
  }

  of<K extends EventKind>(kind: K): Extract<Event, { kind: K }>[] {
    return this.events.filter((event) => event.kind === kind) as never;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  backup(
    order: Partial<BackupOrder> = {},
    ending = signal,
    changes: Partial<EngineDeps> = {},
  ): Promise<BackupReport> {
    const asked = { trigger: 'request', slot: null, attempt: 1, skipUnchangedMs: 0 } as const;
    return takeBackup({ ...asked, ...order }, { ...this.deps, ...changes }, { signal: ending });
  }

  store(name: string): FaultyStore {
    const found = this.#stores.find((store) => store.name === name);
    if (found === undefined) throw new Error(`no store ${name}`);
    return found;
  }

  catalog(name: string): Catalog {
    return openCatalog(this.store(name), this.cluster.id);
  }

  async place(changes: Partial<Manifest> = {}, owner = this.cluster.id): Promise<Manifest> {
    const startedAt = changes.startedAt ?? this.deps.now();
    const { members, newest } = this.cluster;
    const id = changes.id ?? composeBackupId(startedAt, newest, this.deps.suffix());
    const manifest = sampleManifest({
      ...placedManifest,
      id,
      sealed: { ...placedSeal, object: dataName(owner, id) },
      startedAt,
      revision: newest,
      hashKv: { revision: newest, compactRevision: null, hash: 1 },
      cluster: { id: owner, name: 'test' },
      found: { members: members.map(listed), alarms: [], leases: 0, authEnabled: false },
      ...changes,
    });
    for (const { name } of this.#stores) {
      await putBytes(this.store(name), manifest.sealed.object, placedContent);
      await openCatalog(this.store(name), owner).commit(manifest, { signal });
    }
    return manifest;
  }

  async listed(name: string): Promise<readonly Manifest[]> {
    const { backups, faults } = await this.catalog(name).backups({ signal });
    for (const { failure } of faults) throw failure;
    return backups;
  }

  spooled(): string[] {
    return existsSync(this.spoolDir) ? readdirSync(this.spoolDir) : [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #depsOf(options: WorkshopOptions): EngineDeps {
    let made = 0;
    return {
      clusterName: 'test',
      cluster: this.cluster,
      source: {
        choose: { allowLeader: 'alone', maxLag: 1000, localMember: 'm2' },
        stallTimeoutMs: 60_000,
        agreement: 'always',
        agreementMaxBytes: 0,
        onMismatch: 'keep',
        ...options.source,
      },
      seal: { codec: 'none', level: null, recipients: [] },
      identities: () => [],
      trust: { signer: () => null, keys: () => [], acceptsUnsigned: false },
      spool: openSpool({ dir: this.spoolDir, maxBytes: options.spoolMaxBytes ?? 0 }),
      prove: inlineProver,
      shelves: this.#stores.map((store) => ({ store, retention: options.retention ?? {} })),
      openCatalog,
      timezone: 'UTC',
      orphanGraceMs: 24 * hourMs,
      observe: (event) => {
        this.events.push(event);
        this.on(event);
      },
      now: () => new Date(this.#nowMs),
      suffix: () => {
        made += 1;
        return String(made).padStart(4, '0');
      },
      program: { version: '1.2.3', node: '24.0.0' },
      host: 'host',
    };
  }
}

/** Members m1, which leads, m2, which is asked first, and m3. */
export function openWorkshop(options: WorkshopOptions = {}): Workshop {
  return new OpenWorkshop(options);
}

/** What happened, in two words at most. */
export function momentOf(event: Event): string {
  if (event.kind === 'step-finished') return `${event.kind} ${event.step}`;
  return event.kind === 'proof-finished' ? `${event.kind} ${event.proof}` : event.kind;
}
