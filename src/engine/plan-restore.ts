/**
 * From what somebody asked for to a restore that every host of the cluster does alike: one backup,
 * named by its id, one initial cluster and one token.
 */
import { randomBytes } from 'node:crypto';
import { Failure } from '../core/errors.ts';
import { formatInitialCluster } from '../core/initial-cluster.ts';
import type { Manifest } from '../core/manifest.ts';
import type { InitialMember, RestoreOrder, RestoreReport } from '../core/restore.ts';
import { newCluster } from '../format/new-cluster.ts';
import { candidates, type Wanted } from './candidates.ts';
import type { RestoreDeps } from './deps.ts';

/** What may be left open, null for each: the backup or chance knows it. */
export interface RestoreAsked extends Omit<RestoreOrder, 'member'> {
  readonly dataDir: string;
  /** Null: the only member that there is, else this host's. */
  readonly name: string | null;
  /** Null: the voters that the backup was taken from. */
  readonly initialCluster: readonly InitialMember[] | null;
  /** Null: a fresh one. One that was used before, with the same URLs, gives the same cluster id. */
  readonly initialClusterToken: string | null;
}

export interface RestorePlan {
  readonly manifest: Manifest;
  readonly store: string;
  readonly initialCluster: readonly InitialMember[];
  readonly initialClusterToken: string;
  /** Newer backups whose manifests cannot be read. */
  readonly passedOver?: RestoreReport['passedOver'];
}

/** Throws what `candidates` throws, and `usage` for a cluster that cannot be. */
export async function planRestore(
  wanted: Wanted,
  asked: Pick<RestoreAsked, 'initialCluster' | 'initialClusterToken' | 'fallback'>,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const passedOver: RestoreReport['passedOver'][number][] = [];
  const pass = asked.fallback ? passedOver.push.bind(passedOver) : undefined;
  const [first] = await candidates(wanted, deps, signal, pass);
  if (first === undefined) throw new Failure('internal', 'there was no candidate');
  const { manifest, shelf } = first;
  const initialCluster = asked.initialCluster ?? votersOf(manifest);
  const initialClusterToken = asked.initialClusterToken ?? freshToken(manifest.cluster.name);
  newCluster(initialCluster, initialClusterToken);
  const store = shelf.store.name;
  return { manifest, store, initialCluster, initialClusterToken, passedOver };
}

/**
 * The restore of one host. Throws `usage` when it is not clear which member this host is to be, or
 * when it could not join the others: members with different tokens never find each other.
 */
export function orderOf(
  plan: RestorePlan,
  asked: RestoreAsked,
  localMember: string | null,
): {
  readonly wanted: Pick<Wanted, 'backup' | 'cluster' | 'passedOver'>;
  readonly order: RestoreOrder;
} {
  const { initialCluster, initialClusterToken, manifest } = plan;
  const isAlone = initialCluster.length === 1 || asked.dryRun;
  if (!isAlone && asked.initialClusterToken === null) {
    const names = initialCluster.map(({ name }) => name).join(', ');
    throw new Failure('usage', `${names} need one token, the same on every host`, {
      hint: 'Restore with --plan: it prints the command of every host, with one fresh token.',
    });
  }
  if (!isAlone && asked.fallback) {
    throw new Failure('usage', 'with --fallback each host could come back from another backup', {
      hint: 'Restore with --plan --fallback: it names the one backup that every host takes.',
    });
  }
  const name = asked.name ?? onlyName(initialCluster) ?? localMember;
  if (name === null || !initialCluster.some((member) => member.name === name)) {
    const shown = formatInitialCluster(initialCluster);
    const which = name === null ? 'which member this host is to be' : `no member ${name}`;
    throw new Failure('usage', `the initial cluster ${shown} does not tell ${which}`, {
      hint: 'Name it with --name, and its cluster with --initial-cluster where it is another.',
    });
  }
  const { dataDir, name: _, initialCluster: __, initialClusterToken: ___, ...same } = asked;
  const member = { dataDir, name, initialCluster, initialClusterToken };
  return {
    wanted: { backup: manifest.id, cluster: manifest.cluster.id, ...insteadOf(plan) },
    order: { ...same, member },
  };
}

function insteadOf({ passedOver = [] }: RestorePlan): Pick<Wanted, 'passedOver'> {
  return passedOver.length === 0 ? {} : { passedOver };
}

/** Learners and members that never started are not brought back: nobody would miss their vote. */
function votersOf({ found, id }: Manifest): InitialMember[] {
  const voters = found.members.filter(({ learner, name }) => !learner && name !== '');
  if (voters.length === 0) {
    throw new Failure('usage', `backup ${id} names no members; give --initial-cluster`);
  }
  return voters.map(({ name, peerUrls }) => ({ name, peerUrls }));
}

function onlyName([first, ...others]: readonly InitialMember[]): string | null {
  return others.length === 0 ? (first?.name ?? null) : null;
}

function freshToken(clusterName: string): string {
  return `${clusterName}-${randomBytes(6).toString('hex')}`;
}
