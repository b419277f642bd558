/**
 * Settings that are right one by one and wrong together. Each rule names the keys that it compares
 * and is left out when one of them is a problem already: a second complaint would only hide the
 * first.
 */
import { httpRisks, httpRules } from './http-rules.ts';
import { notifyRisks, notifyRules } from './notify-rules.ts';
import { isLoopback, splitAddress } from './places.ts';
import type { Rule } from './rule.ts';
import type { Settings } from './schema.ts';
import { storeRisks, storeRules } from './store-rules.ts';

export interface Contradiction {
  /** The key to change; the value shown is its own. */
  readonly key: string;
  readonly reason: string;
  readonly example: string | null;
}

/** `isWrong` tells the keys that already have a problem of their own. */
export function findContradictions(
  settings: Settings,
  isWrong: (key: string) => boolean,
): readonly Contradiction[] {
  const stores = settings.stores.flatMap((_, index) => storeRules(index));
  return [...rules, ...stores, ...notifyRules(settings)].flatMap(({ keys, reason, example }) => {
    if (keys.some(isWrong)) return [];
    const found = reason(settings);
    return found === null ? [] : [{ key: keys[0], reason: found, example: example ?? null }];
  });
}

/** What is allowed and worth a line at each start. */
export function findRisks(settings: Settings): readonly string[] {
  const { endpoints, auth } = settings.cluster;
  const isClear = (one: string) => {
    const address = one.slice(one.indexOf('//') + 2);
    return schemeOf(one) === 'http' && !isLoopback(splitAddress(address, 0).host);
  };
  const isSent = auth.username !== null && endpoints.some(isClear);
  return [
    ...(isSent
      ? ['cluster.auth: http endpoints, so the password crosses the network in clear']
      : []),
    ...(settings.seal.trustedKeys !== null && settings.seal.signingKeyFile === null
      ? ['seal.trustedKeys without seal.signingKeyFile: this host would refuse what it backs up']
      : []),
    ...httpRisks(settings),
    ...storeRisks(settings),
    ...notifyRisks(settings),
  ];
}

const rules: readonly Rule[] = [
  {
    keys: ['cluster.tls.cert', 'cluster.tls.key'],
    reason: ({ cluster: { tls } }) =>
      tls.cert === null || tls.key !== null ? null : 'needs cluster.tls.key beside it',
    example: 'cluster.tls.key: /etc/etcd-backupd/tls/client.key',
  },
  {
    keys: ['cluster.tls.key', 'cluster.tls.cert'],
    reason: ({ cluster: { tls } }) =>
      tls.key === null || tls.cert !== null ? null : 'needs cluster.tls.cert beside it',
    example: 'cluster.tls.cert: /etc/etcd-backupd/tls/client.crt',
  },
  {
    keys: ['cluster.auth.username', 'cluster.auth.passwordFile'],
    reason: ({ cluster: { auth } }) =>
      auth.username === null || auth.passwordFile !== null
        ? null
        : 'needs cluster.auth.passwordFile beside it',
    example: 'cluster.auth.passwordFile: /etc/etcd-backupd/password',
  },
  {
    keys: ['cluster.auth.passwordFile', 'cluster.auth.username'],
    reason: ({ cluster: { auth } }) =>
      auth.passwordFile === null || auth.username !== null
        ? null
        : 'needs cluster.auth.username beside it',
    example: 'cluster.auth.username: backup',
  },
  {
    keys: ['cluster.endpoints'],
    reason: ({ cluster: { endpoints } }) =>
      new Set(endpoints.map(schemeOf)).size > 1
        ? 'mixes http and https: a cluster speaks one of them'
        : null,
    example: 'https://10.0.0.1:2379,https://10.0.0.2:2379',
  },
  {
    keys: ['cluster.endpoints'],
    reason: ({ cluster: { endpoints } }) => {
      const twice = endpoints.find((one, index) => endpoints.indexOf(one) !== index);
      return twice === undefined ? null : `names ${twice} twice`;
    },
  },
  {
    keys: ['cluster.endpoints', 'cluster.tls.ca', 'cluster.tls.cert', 'cluster.tls.serverName'],
    reason: ({ cluster: { endpoints, tls } }) =>
      endpoints.every((one) => schemeOf(one) === 'http') &&
      Object.values(tls).some((value) => value !== null)
        ? 'is http, where nothing of cluster.tls is used: write https, or remove cluster.tls'
        : null,
    example: 'https://10.0.0.1:2379',
  },
  {
    keys: ['schedule.maxSkip', 'schedule.skipUnchanged'],
    reason: ({ schedule }) =>
      schedule.skipUnchanged && schedule.maxSkip === 0
        ? 'is 0, which never lets schedule.skipUnchanged skip'
        : null,
    example: '24h',
  },
  {
    keys: ['schedule.retryDelayMax', 'schedule.retryDelay'],
    reason: ({ schedule }) =>
      schedule.retryDelayMax < schedule.retryDelay
        ? 'is below schedule.retryDelay: make it the same or longer'
        : null,
  },
  {
    keys: ['seal.level', 'seal.compression'],
    reason: ({ seal: { level, compression } }) =>
      compression === 'gzip' && level !== null && level > 9
        ? 'is above 9, the hardest of gzip'
        : null,
    example: '1',
  },
  {
    keys: ['seal.recipients'],
    reason: ({ seal: { recipients } }) => {
      const twice = recipients?.find((one, index) => recipients.indexOf(one) !== index);
      return twice === undefined ? null : `names ${twice} twice`;
    },
  },
  {
    keys: ['drill.cron', 'seal.recipients', 'seal.identityFile'],
    reason: ({ drill, seal: { recipients, identityFile } }) =>
      drill.cron !== null && recipients !== null && identityFile === null
        ? 'asks for drills of encrypted backups, which need seal.identityFile'
        : null,
    example: 'seal.identityFile: /etc/etcd-backupd/identity.txt',
  },
  ...httpRules,
];

function schemeOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.indexOf(':'));
}
