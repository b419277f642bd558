/** The admin API over restores that end when the test says so. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { buildAdmin } from '../../../src/http/admin-app.ts';
import type { AdminOptions, TokenSources } from '../../../src/http/sources.ts';
import { restoring } from '../daemon/restoring.ts';
import { bearer, house, loopback, operate, read, restore } from './house.ts';

export const all: TokenSources = {
  read: () => read,
  operate: () => operate,
  restore: () => restore,
};
const json = { 'content-type': 'application/json' };

type Changed = 'tokens' | 'reload' | 'requestDrill' | 'requestHeal';

interface Opening extends Pick<Partial<AdminOptions>, Changed> {
  readonly withRoots?: boolean;
}

export function open({ tokens = all, withRoots = true, ...changes }: Opening = {}) {
  const place = restoring({ withRoots });
  onTestFinished(() => place[Symbol.dispose]());
  const built = house({ tokens, restores: place.restores, ...changes });
  const app = buildAdmin(built.options);
  const call = (request: string, body?: unknown, headers: Record<string, string> = {}) => {
    const [method = 'GET', url = '/'] = request.split(' ');
    const type = body === undefined ? {} : json;
    return app.inject({
      method: method as 'GET',
      url,
      headers: { ...loopback, ...bearer(restore), ...type, ...headers },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
  };
  const dataDir = join(place.root, 'etcd');
  const ask = (body: object = {}) => call('POST /v1/restores', { dataDir, ...body });
  return { ...place, audit: built.events, call, ask, dataDir };
}
