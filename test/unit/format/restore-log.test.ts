/** The log of a restored member, held against the bytes that the official tool wrote. */
import { describe, expect, test } from 'vitest';
import { parseInitialCluster } from '../../../src/core/initial-cluster.ts';
import { type NewCluster, newCluster } from '../../../src/format/new-cluster.ts';
import { decodeFields } from '../../../src/format/protobuf.ts';
import { snapFileBytes, snapFileName } from '../../../src/format/snap-file.ts';
import { walFileBytes, walFileName, walRecords } from '../../../src/format/wal-file.ts';
import { crc32cOf } from './history.ts';
import { type OfficialRestore, officialFile, officialRestores } from './official-restores.ts';

function clusterOf({ list, token }: OfficialRestore): NewCluster {
  return newCluster(parseInitialCluster(list), token);
}

function idIn(cluster: NewCluster, name: string): bigint {
  const member = cluster.members.find((one) => one.name === name);
  if (member === undefined) throw new Error(`no member ${name}`);
  return member.id;
}

/** The parts of a `.snap` file, its checksum proved on the way. */
function partsOf(file: Uint8Array) {
  const [crc, data] = fieldsOf(file);
  expect(Number(crc?.value)).toBe(crc32cOf([data?.bytes ?? Buffer.alloc(0)]));
  const [store, metadata] = fieldsOf(data?.bytes);
  return {
    store: JSON.parse(Buffer.from(store?.bytes ?? []).toString('utf8')),
    metadata: Buffer.from(metadata?.bytes ?? []).toString('hex'),
  };
}

function fieldsOf(message: Uint8Array | undefined) {
  const fields = decodeFields(message ?? new Uint8Array(0));
  if (fields?.length !== 2) throw new Error('not the two fields that it has');
  return fields;
}

describe('the write-ahead log', () => {
  test.each(officialRestores)('is the official one, byte for byte: $name', (official) => {
    const cluster = clusterOf(official);

    const records = Buffer.from(walRecords(cluster, idIn(cluster, official.member)));

    expect(records.toString('hex')).toBe(officialFile(`${official.name}.wal`).toString('hex'));
  });

  test('of each member differs only in whose it is', () => {
    const [, three] = officialRestores;
    const cluster = clusterOf(three as OfficialRestore);

    const [first, second, third] = cluster.members.map(({ id }) => walRecords(cluster, id));

    expect(first).not.toEqual(second);
    expect(second).not.toEqual(third);
    expect(first?.length).toBe(third?.length);
  });

  test('has the name and the length of a first segment', () => {
    expect(walFileName).toBe(`${'0'.repeat(16)}-${'0'.repeat(16)}.wal`);
    expect(walFileBytes).toBe(64_000_000);
  });
});

describe('the .snap file', () => {
  test.each(officialRestores)('says what the official one says: $name', (official) => {
    const cluster = clusterOf(official);

    const ours = partsOf(snapFileBytes(cluster));

    const theirs = partsOf(officialFile(`${official.name}.snap`));
    expect(snapFileName(cluster)).toBe(official.snapName);
    expect(ours.metadata).toBe(theirs.metadata);
    // The tool also counts what it did to get there; nobody watches that.
    const { WatcherHub: _, Stats: counted, ...content } = theirs.store;
    const { WatcherHub: __, Stats: uncounted, ...own } = ours.store;
    expect(own).toEqual(content);
    expect(Object.keys(uncounted)).toEqual(Object.keys(counted));
  });

  test('has all places of the queue of events, each empty: servers index into it', () => {
    const [alone] = officialRestores;

    const { store } = partsOf(snapFileBytes(clusterOf(alone as OfficialRestore)));

    const { Queue: queue, ...history } = store.WatcherHub.EventHistory;
    expect(queue).toEqual({
      Events: Array.from({ length: 1000 }, () => null),
      ...{ Size: 0, Front: 0, Back: 0, Capacity: 1000 },
    });
    expect(history).toEqual({ StartIndex: 0, LastIndex: 0 });
  });

  test('is named for its members in hexadecimal', () => {
    const many = Array.from({ length: 17 }, (_, at) => {
      return { name: `m${at}`, peerUrls: [`http://10.0.0.${at}:2380`] };
    });

    expect(snapFileName(newCluster(many, 'token'))).toBe('0000000000000001-0000000000000011.snap');
  });
});
