/**
 * The `.snap` file of a restored member: its membership as the store of etcd's second version,
 * which servers up to 3.5 read at their start and 3.6 still parses.
 */
import { crc32c } from './crc32c.ts';
import { goJson, type NewCluster } from './new-cluster.ts';
import { bytesField, varintField } from './protobuf-write.ts';
import { confState } from './wal-file.ts';

/** Servers index into the queue as far as it claims to reach: it must have all its places. */
const queueCapacity = 1000;
const never = '0001-01-01T00:00:00Z';

export function snapFileName({ members }: NewCluster): string {
  return `${'1'.padStart(16, '0')}-${members.length.toString(16).padStart(16, '0')}.snap`;
}

export function snapFileBytes(cluster: NewCluster): Uint8Array {
  const { members } = cluster;
  const metadata = Buffer.concat([
    bytesField(1, confState(cluster)),
    varintField(2, BigInt(members.length)),
    varintField(3, 1n),
  ]);
  const store = Buffer.from(goJson(membershipStore(cluster)), 'utf8');
  const snapshot = Buffer.concat([bytesField(1, store), bytesField(2, metadata)]);
  return Buffer.concat([varintField(1, BigInt(crc32c(snapshot))), bytesField(2, snapshot)]);
}

interface StoreNode {
  readonly Path: string;
  readonly CreatedIndex: number;
  readonly ModifiedIndex: number;
  readonly ExpireTime: string;
  readonly Value: string;
  readonly Children: Readonly<Record<string, StoreNode>> | null;
}

function membershipStore({ members }: NewCluster): unknown {
  const created = members.length;
  const attributes = members.map(({ id, peerUrls }, at): [string, StoreNode] => {
    const path = `/0/members/${id.toString(16)}`;
    const value = goJson({ peerURLs: peerUrls });
    const leaf = node(`${path}/raftAttributes`, at + 1, { value });
    return [id.toString(16), node(path, at + 1, { children: { raftAttributes: leaf } })];
  });
  const list = node('/0/members', 1, { children: Object.fromEntries(attributes) });
  return {
    Root: node('/', 0, {
      children: {
        '0': node('/0', 0, { children: { members: list } }),
        '1': node('/1', 0, { children: {} }),
      },
    }),
    WatcherHub: {
      EventHistory: {
        Queue: {
          Events: new Array(queueCapacity).fill(null),
          Size: 0,
          Front: 0,
          Back: 0,
          Capacity: queueCapacity,
        },
        StartIndex: 0,
        LastIndex: 0,
      },
    },
    CurrentIndex: created,
    Stats: noStatistics,
    CurrentVersion: 2,
  };
}

const noStatistics = Object.fromEntries(
  [
    ...['getsSuccess', 'getsFail', 'setsSuccess', 'setsFail', 'deleteSuccess', 'deleteFail'],
    ...['updateSuccess', 'updateFail', 'createSuccess', 'createFail', 'compareAndSwapSuccess'],
    ...['compareAndSwapFail', 'compareAndDeleteSuccess', 'compareAndDeleteFail', 'expireCount'],
    'watchers',
  ].map((name) => [name, 0]),
);

function node(
  path: string,
  index: number,
  content: { readonly value?: string; readonly children?: Readonly<Record<string, StoreNode>> },
): StoreNode {
  return {
    Path: path,
    CreatedIndex: index,
    ModifiedIndex: index,
    ExpireTime: never,
    Value: content.value ?? '',
    Children: content.children ?? null,
  };
}
