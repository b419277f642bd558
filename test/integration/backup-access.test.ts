import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { cluster, enableAuth, etcdctl, type TestCluster } from '../support/etcd.ts';
import { type Workplace, worker, workplace } from '../support/house.ts';

function certificates(): Certificates {
  return makeCertificates(mkdtempSync(join(tmpdir(), 'etcd-backupd-certs-')));
}

function secured(made: Certificates, members = 3): Promise<TestCluster> {
  const tls = { ca: made.ca, ...made.server, clientCertAuth: true };
  return cluster('3.5', { members, tls, clientPair: made.client });
}

function logIn(place: Workplace, username: string, password: string): void {
  const file = join(place.dir, `password-${username}`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  place.settings['cluster.auth.username'] = username;
  place.settings['cluster.auth.passwordFile'] = file;
}

async function failureOf(place: Workplace): Promise<{ code: string; message: string }> {
  await using engine = worker(place);
  const failure = await engine.backup().then(
    () => ({ code: 'none', message: '' }),
    (error) => ({ code: error.code, message: error.message }),
  );
  return failure;
}

describe.concurrent('a cluster with authentication', () => {
  test('is backed up by root, with all proofs', async () => {
    await using etcd = await cluster('3.5', { members: 3 });
    await enableAuth(etcd, 'correct horse');
    using place = workplace(etcd);
    logIn(place, 'root', 'correct horse');
    await using engine = worker(place);

    expect(await engine.backup()).toMatchObject({ result: 'success' });
    const agreed = engine.of('proof-finished').find(({ proof }) => proof === 'agreed');
    expect(agreed?.outcome).toBe('passed');
  });

  test('refuses a wrong password, no user and a user without the role root, each plainly', async () => {
    await using etcd = await cluster('3.5');
    await enableAuth(etcd, 'correct horse');
    await etcdctl(etcd, ['user', 'add', 'reader:reader']);
    using place = workplace(etcd);

    expect(await failureOf(place)).toMatchObject({ code: 'cluster-auth' });
    logIn(place, 'root', 'battery staple');
    const wrong = await failureOf(place);
    expect(wrong).toMatchObject({ code: 'cluster-auth' });
    expect(wrong.message).not.toContain('battery');
    logIn(place, 'reader', 'reader');
    expect(await failureOf(place)).toMatchObject({ code: 'cluster-permission' });
  });
});

describe.concurrent('a cluster with mutual TLS', () => {
  test('is backed up, and again with certificates replaced on disk', async () => {
    const [old, fresh] = [certificates(), certificates()];
    const folder = mkdtempSync(join(tmpdir(), 'etcd-backupd-live-'));
    const live = { ca: join(folder, 'ca'), cert: join(folder, 'cert'), key: join(folder, 'key') };
    const install = (from: Certificates): void => {
      copyFileSync(from.ca, live.ca);
      copyFileSync(from.client.cert, live.cert);
      copyFileSync(from.client.key, live.key);
    };
    install(old);
    await using before = await secured(old);
    using place = workplace(before);
    place.settings['cluster.tls.ca'] = live.ca;
    place.settings['cluster.tls.cert'] = live.cert;
    place.settings['cluster.tls.key'] = live.key;
    await using after = await secured(fresh);
    place.settings['cluster.endpoints'] = [...before.clientUrls, ...after.clientUrls].join(',');
    await using engine = worker(place);

    const first = await engine.backup();
    await before.stop();
    install(fresh);
    const second = await engine.backup();

    expect([first.result, second.result]).toEqual(['success', 'success']);
  });

  test('and authentication together is backed up', async () => {
    const made = certificates();
    await using etcd = await secured(made);
    // Certificates name the user "backup", which may not do this: the password's user must count.
    await enableAuth(etcd, 'secret');
    using place = workplace(etcd);
    logIn(place, 'root', 'secret');
    await using engine = worker(place);

    expect(await engine.backup()).toMatchObject({ result: 'success' });
  });

  test('is refused with the reason where certificates do not fit', async () => {
    const [made, strange] = [certificates(), certificates()];
    await using etcd = await secured(made, 1);
    using place = workplace(etcd);

    place.settings['cluster.tls.ca'] = strange.ca;
    expect(await failureOf(place)).toMatchObject({
      code: 'cluster-tls',
      message: expect.stringContaining('not signed by cluster.tls.ca'),
    });
    place.settings['cluster.tls.ca'] = made.ca;
    place.settings['cluster.tls.cert'] = made.expiredClient.cert;
    place.settings['cluster.tls.key'] = made.expiredClient.key;
    expect(await failureOf(place)).toMatchObject({
      code: 'cluster-tls',
      message: expect.stringContaining('refused our client certificate'),
    });
  });

  test.for([
    ['expiredServer', 'has expired'],
    ['otherNameServer', 'is for other names'],
  ] as const)('is refused when the server shows %s', async ([which, words]) => {
    const made = certificates();
    const tls = { ca: made.ca, ...made[which] };
    await using etcd = await cluster('3.5', { tls });
    using place = workplace(etcd);

    expect(await failureOf(place)).toMatchObject({
      code: 'cluster-tls',
      message: expect.stringContaining(words),
    });
  });
});
