/**
 * Restores by the official tool, made once, to hold ours against. Each was made with etcd 3.5.30 by
 *
 *     etcdutl snapshot restore snapshot.db --data-dir DIR --name NAME --initial-cluster LIST
 *       --initial-cluster-token TOKEN --initial-advertise-peer-urls URLS
 *
 * with the words below. test/golden/restore keeps the records of its log, without the zeros behind
 * them, and its `.snap` file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OfficialRestore {
  /** Of its files. */
  readonly name: string;
  /** The member that it was made for. */
  readonly member: string;
  readonly list: string;
  readonly token: string;
  readonly snapName: string;
  /** Hexadecimal, as in its log. */
  readonly clusterId: string;
  readonly memberIds: Readonly<Record<string, string>>;
}

export const officialRestores: readonly OfficialRestore[] = [
  {
    name: 'alone',
    member: 'default',
    list: 'default=http://localhost:2380',
    token: 'etcd-cluster',
    snapName: '0000000000000001-0000000000000001.snap',
    clusterId: 'cdf818194e3a8c32',
    memberIds: { default: '8e9e05c52164694d' },
  },
  {
    name: 'three',
    member: 'm2',
    list: 'm1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380,m3=https://10.0.0.3:2380',
    token: 'production-0f3a',
    snapName: '0000000000000001-0000000000000003.snap',
    clusterId: 'be91567c6acb0bbe',
    memberIds: { m2: 'a7593cdd62ed4f81', m1: 'ce983e407e145f7e', m3: 'de1e3a843f8c3857' },
  },
  {
    name: 'many-urls',
    member: 'b',
    list:
      'b=https://[fd00::2]:2380,a=http://a.example:2380,b=https://10.0.0.2:12380,' +
      'b=https://10.0.0.2:2380,b=http://z:1',
    token: 'tok',
    snapName: '0000000000000001-0000000000000002.snap',
    clusterId: 'a14226cdea6708d6',
    memberIds: { a: '3bd2238ef552e4aa', b: '7a9e10132b7a234c' },
  },
  {
    name: 'odd-names',
    member: '<&>',
    list:
      '<&>=http://127.0.0.1:2380,Zürich 東京 😀=http://127.0.0.1:2381,' +
      'it\'s "q" \\=http://127.0.0.1:2382',
    token: 'tökén <&>',
    snapName: '0000000000000001-0000000000000003.snap',
    clusterId: '22537201d43e46eb',
    memberIds: {
      'it\'s "q" \\': '18942b8b15270e01',
      'Zürich 東京 😀': '79c96fa1e90793ec',
      '<&>': 'bcc1f00cd4d2e167',
    },
  },
];

export function officialFile(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, '../../golden/restore', name));
}
