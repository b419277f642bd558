/** What the settings of the admin API must not say together, and what is worth a line. */
import { isLoopback, splitAddress } from './places.ts';
import type { Rule } from './rule.ts';
import type { Settings } from './schema.ts';

const tokenKeys = ['http.tokens.read', 'http.tokens.operate', 'http.tokens.restore'] as const;
const clientKeys = ['http.clients.read', 'http.clients.operate', 'http.clients.restore'] as const;

export const httpRules: readonly Rule[] = [
  {
    keys: ['http.listen', 'http.enabled', ...tokenKeys, ...clientKeys],
    reason: ({ http }) =>
      http.enabled && isOpen(http) && !anySet(http.tokens) && !anySet(http.clients)
        ? 'is open to other machines and needs a token: set one of http.tokens or http.clients'
        : null,
    example: '127.0.0.1:9379',
  },
  {
    keys: ['http.tokens.operate', ...tokenKeys],
    reason: ({ http: { tokens } }) => {
      const paths = Object.values(tokens).filter((path) => path !== null);
      return new Set(paths).size < paths.length
        ? 'is the file of another scope too: then whoever may do the less may do the more'
        : null;
    },
    example: '/etc/etcd-backupd/tokens/operate',
  },
  {
    keys: ['http.tls.cert', 'http.tls.key'],
    reason: ({ http: { tls } }) =>
      tls.cert === null || tls.key !== null ? null : 'needs http.tls.key beside it',
    example: 'http.tls.key: /etc/etcd-backupd/tls/server.key',
  },
  {
    keys: ['http.tls.key', 'http.tls.cert'],
    reason: ({ http: { tls } }) =>
      tls.key === null || tls.cert !== null ? null : 'needs http.tls.cert beside it',
    example: 'http.tls.cert: /etc/etcd-backupd/tls/server.crt',
  },
  {
    keys: ['http.tls.clientCa', 'http.tls.cert'],
    reason: ({ http: { tls } }) =>
      tls.clientCa === null || tls.cert !== null
        ? null
        : 'needs http.tls.cert and http.tls.key beside it: plain http knows no certificates',
    example: 'http.tls.cert: /etc/etcd-backupd/tls/server.crt',
  },
  {
    keys: ['http.tls.clientCa', ...clientKeys],
    reason: ({ http: { tls, clients } }) =>
      tls.clientCa === null || anySet(clients)
        ? null
        : 'opens nothing to anybody: name those who may call in http.clients, or remove it',
    example: 'http.clients.operate: operator',
  },
  ...clientKeys.map((key): Rule => {
    const scope = key.slice(key.lastIndexOf('.') + 1) as 'read' | 'operate' | 'restore';
    return {
      keys: [key, 'http.tls.clientCa'],
      reason: ({ http: { tls, clients } }) =>
        clients[scope] === null || tls.clientCa !== null
          ? null
          : 'needs http.tls.clientCa, which says whose certificates count',
      example: 'http.tls.clientCa: /etc/etcd-backupd/tls/client-ca.crt',
    };
  }),
];

/** Not refused: whoever ends TLS before the daemon, as meshes and proxies do, knows it. */
export function httpRisks({ http }: Settings): readonly string[] {
  const isClear = http.enabled && http.tls.cert === null && isOpen(http);
  return isClear && anySet(http.tokens)
    ? ['http.tokens: plain http on http.listen, so tokens cross the network in clear; set http.tls']
    : [];
}

function isOpen({ listen }: Settings['http']): boolean {
  return !isLoopback(splitAddress(listen, 0).host);
}

function anySet(section: Readonly<Record<string, unknown>>): boolean {
  return Object.values(section).some((value) => value !== null);
}
