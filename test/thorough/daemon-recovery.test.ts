/** What the daemon lives through without anybody's help: its own death, and new certificates. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ask, startAsked } from '../support/asked-daemon.ts';
import { type CertificatePair, makeCertificates } from '../support/certificates.ts';
import { startDaemonProcess } from '../support/daemon.ts';
import { cluster } from '../support/etcd.ts';
import { runProgram, workplace } from '../support/house.ts';
import { startProxy } from '../support/proxy.ts';
import { filesOf } from '../support/stored-names.ts';
import { fill, seed } from '../support/workload.ts';

const mebibyte = 1024 * 1024;

function storedFiles(storeDir: string): string[] {
  return readdirSync(storeDir, { recursive: true })
    .map(String)
    .filter((name) => /\.(db|json)$/.test(name))
    .map((name) => name.replace(/^.*\//, ''))
    .sort();
}

describe.concurrent('without help, the daemon', () => {
  test('sweeps what it left when it was killed in a backup, and takes the next slot', async () => {
    await using etcd = await cluster('3.5');
    await fill(etcd, { bytes: 8 * mebibyte });
    await using proxy = await startProxy(etcd.clientUrls[0] ?? '');
    using place = workplace(etcd);
    const settings = {
      'cluster.endpoints': proxy.url,
      'schedule.cron': '*/2 * * * * *',
      'schedule.catchUp': 'false',
      'log.level': 'trace',
    };
    await using killed = await startDaemonProcess(place, { settings });
    await killed.until('next-run-scheduled');
    proxy.inject({ kind: 'trickle', bytesPerSecond: mebibyte });
    await killed.until('step-advanced');
    await killed.stop('SIGKILL');
    expect(readdirSync(place.spoolDir)).toHaveLength(1);
    expect(storedFiles(place.storeDir)).toEqual([]);

    proxy.inject({ kind: 'pass' });
    await using again = await startDaemonProcess(place, { settings });
    const swept = await again.until('spool-swept');
    const started = await again.until('run-started');
    const { id, result } = await again.until('run-finished');
    expect(await again.stop()).toBe(0);

    expect(swept['files']).toHaveLength(1);
    expect(started).toMatchObject({ trigger: 'schedule', slot: expect.any(String) });
    expect(result).toBe('success');
    expect(again.of('run-failed')).toEqual([]);
    expect(readdirSync(place.spoolDir)).toEqual([]);
    expect(storedFiles(place.storeDir).slice(0, 2)).toEqual(filesOf(String(id)));
    const verified = await runProgram(['verify', '--all', '--deep', ...place.words()]);
    expect(verified).toMatchObject({ code: 0 });
  });

  test('follows new certificates of members and its own, without a restart', async () => {
    using place = workplace({ clientUrls: [], tls: undefined, clientPair: undefined });
    const folder = join(place.dir, 'live');
    mkdirSync(folder);
    const at = (name: string): string => join(folder, name);
    const pairAt = (name: string): CertificatePair => ({ cert: at(name), key: at(`${name}.key`) });
    const install = (pair: CertificatePair, name: string): void => {
      copyFileSync(pair.cert, at(name));
      copyFileSync(pair.key, at(`${name}.key`));
    };
    const old = makeCertificates(join(place.dir, 'old'));
    const fresh = makeCertificates(join(place.dir, 'fresh'));
    copyFileSync(old.ca, at('member-ca'));
    copyFileSync(old.ca, at('ca'));
    install(old.server, 'member');
    install(old.client, 'client');
    const tls = { ca: at('member-ca'), ...pairAt('member'), clientCertAuth: true };
    await using etcd = await cluster('3.5', { tls, clientPair: old.client });
    await seed(etcd);
    Object.assign(place.settings, {
      'cluster.endpoints': etcd.clientUrls.join(','),
      'cluster.tls.ca': at('ca'),
      'cluster.tls.cert': at('client'),
      'cluster.tls.key': at('client.key'),
      'schedule.retries': '0',
    });
    await using daemon = await startAsked(place);
    await ask(daemon);
    await daemon.until('run-finished');
    expect(daemon.of('run-failed')).toEqual([]);

    copyFileSync(fresh.ca, at('member-ca'));
    install(fresh.server, 'member');
    await etcd.members[0]?.restart();
    await ask(daemon);
    const strange = await daemon.until('run-failed');
    copyFileSync(fresh.ca, at('ca'));
    await ask(daemon);
    const refused = await daemon.until('run-failed', 2);
    install(fresh.client, 'client');
    await ask(daemon);
    const { result } = await daemon.until('run-finished', 2);

    expect(strange).toMatchObject({ failure: { code: 'cluster-tls' } });
    expect(strange.msg).toContain('not signed by cluster.tls.ca');
    expect(refused).toMatchObject({ failure: { code: 'cluster-tls' } });
    expect(refused.msg).toContain('refused our client certificate');
    expect(result).toBe('success');
  });
});
