/** More of what happens to daemons: proofs, drills, copies, and what etcd complains of. */
import { Failure } from '../../src/core/errors.ts';
import { sample } from '../unit/observe/events.ts';
import { days, hours, minutes, type Tape, tapedStore } from './alert-tape.ts';
import type { TapedDaemon } from './taped-daemon.ts';

/** A daemon at work for two hours. */
async function working(tape: Tape, drillCron?: string): Promise<TapedDaemon> {
  const stores = [tapedStore('local')];
  const daemon = tape.daemon(drillCron === undefined ? { stores } : { stores, drillCron });
  daemon.start();
  await tape.pass(2 * hours);
  return daemon;
}

export const proofScenarios: Readonly<Record<string, (tape: Tape) => Promise<void>>> = {
  'members that differ are told at once, until they agree again': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('hash-mismatched'));
    await tape.pass(5 * minutes);
    tape.expect('EtcdBackupMembersDiffer a');
    daemon.tell(sample('proof-finished', { outcome: 'passed' }));
    await tape.pass(5 * minutes);
    tape.expect();
  },

  'members that could not be compared are silent': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('proof-finished', { outcome: 'inconclusive' }));
    await tape.pass(3 * hours);
    tape.expect();
  },

  'an alarm of etcd is told until it is disarmed': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('alarms-read'));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupMemberAlarm a');
    daemon.tell(sample('alarms-read', { alarms: [] }));
    await tape.pass(10 * minutes);
    tape.expect();
  },

  'damaged bytes are told for some hours, though another member made them good': async (tape) => {
    const daemon = await working(tape);
    const failure = new Failure('snapshot-corrupt', 'page 7 is not one');
    daemon.tell(sample('source-failed', { failure }));
    await tape.pass(1 * hours);
    tape.expect('EtcdBackupProofFailed a');
    await tape.pass(6 * hours);
    tape.expect();
  },

  'a backup that did not read back is told': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('backup-verified', { outcome: 'passed' }));
    daemon.tell(sample('backup-verified', { outcome: 'inconclusive' }));
    await tape.pass(1 * hours);
    tape.expect();
    daemon.tell(sample('backup-verified', { outcome: 'failed' }));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupProofFailed a');
  },

  'other failures are no failed proofs': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('source-failed'));
    await tape.pass(1 * hours);
    tape.expect();
  },

  'manifests that cannot be trusted are told while they are there': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    await tape.pass(1 * hours);
    local.faults = 1;
    await tape.pass(1 * hours + 20 * minutes);
    tape.expect('EtcdBackupStoreFaults a local');
    local.faults = 0;
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a drill that failed is told until one is good, a skipped one is neither': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('drill-finished'));
    daemon.tell(sample('drill-skipped'));
    await tape.pass(1 * hours);
    tape.expect();
    daemon.tell(sample('drill-failed'));
    await tape.pass(1 * days);
    tape.expect('EtcdBackupDrillFailing a');
    daemon.tell(sample('drill-finished'));
    await tape.pass(10 * minutes);
    tape.expect();
  },

  'drills that nobody planned are never overdue': async (tape) => {
    await working(tape);
    await tape.pass(1 * days);
    tape.expect();
  },

  'planned drills are overdue when two of them were not good': async (tape) => {
    const daemon = await working(tape, '30 6 * * *');
    await tape.pass(5 * hours);
    daemon.tell(sample('drill-finished'));
    await tape.pass(1 * days);
    tape.expect();
    await tape.pass(1 * days + 2 * hours);
    tape.expect('EtcdBackupDrillOverdue a');
    daemon.tell(sample('drill-finished'));
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a new daemon has two due times for its first good drill': async (tape) => {
    await working(tape, '30 6 * * *');
    await tape.pass(1 * days + 4 * hours);
    tape.expect();
    await tape.pass(1 * days + 4 * hours);
    tape.expect('EtcdBackupDrillOverdue a');
  },

  'a drill that was good before a restart counts after it': async (tape) => {
    const daemon = await working(tape, '30 6 * * *');
    await tape.pass(5 * hours);
    daemon.kill();
    await tape.pass(10 * minutes);
    daemon.start();
    const drilled = { restored: new Date(tape.nowMs - 30 * minutes) };
    daemon.tell(sample('catalog-read', { store: 'local', proofs: drilled }));
    await tape.pass(3 * hours);
    tape.expect();
  },

  'a configuration that was refused is told until one is taken over': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('config-refused'));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupConfigReloadFailed a');
    daemon.tell(sample('config-reloaded', { stores: ['local'] }));
    await tape.pass(10 * minutes);
    tape.expect();
  },

  'a certificate is told of in the last tenth of its life, until another one is shown': async (
    tape,
  ) => {
    const daemon = await working(tape);
    const signed = (lifeMs: number) => {
      const validFrom = new Date(tape.nowMs);
      const expiresAt = new Date(tape.nowMs + lifeMs);
      daemon.tell(sample('certificate-read', { of: 'cluster', validFrom, expiresAt }));
    };
    signed(20 * hours);
    await tape.pass(17 * hours);
    tape.expect();
    await tape.pass(2 * hours);
    tape.expect('EtcdBackupCertificateExpiring a');
    signed(20 * hours);
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a certificate for ten years is told of a month before its end': async (tape) => {
    const daemon = await working(tape);
    const validFrom = new Date(tape.nowMs - 3620 * days);
    const lasting = (ms: number) => ({ validFrom, expiresAt: new Date(tape.nowMs + ms) });
    daemon.tell(sample('certificate-read', { of: 'api', ...lasting(31 * days) }));
    await tape.pass(1 * hours);
    tape.expect();
    daemon.tell(sample('certificate-read', { of: 'api', ...lasting(29 * days) }));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupCertificateExpiring a');
  },

  'a message that did not arrive is told for an hour': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('notice-failed'));
    await tape.pass(30 * minutes);
    tape.expect('EtcdBackupNotificationsLost a');
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a message that arrives is silent': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('notice-delivered'));
    await tape.pass(30 * minutes);
    tape.expect();
  },

  'a configuration that was mended at once is silent': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('config-refused'));
    await tape.pass(3 * minutes);
    daemon.tell(sample('config-reloaded', { stores: ['local'] }));
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a scrub that found damage it could not repair is told for a day': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('scrub-finished', { result: 'clean' }));
    daemon.tell(sample('scrub-finished', { result: 'repaired' }));
    await tape.pass(1 * hours);
    tape.expect();
    daemon.tell(sample('scrub-finished', { result: 'damaged' }));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupScrubFailing a');
    await tape.pass(1 * days);
    tape.expect();
  },

  'a copy that was repaired is told for a day': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('backup-copied', { store: 'local', result: 'copied' }));
    await tape.pass(10 * minutes);
    tape.expect();
    daemon.tell(sample('backup-copied', { store: 'local', result: 'repaired' }));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupCopiesRepaired a');
    await tape.pass(1 * days);
    tape.expect();
  },

  'a copy that could not be made is told': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('copy-failed', { store: 'local' }));
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupCopyFailing a local');
    await tape.pass(6 * hours);
    tape.expect();
  },

  'damaged copies are told when nothing made them good within an hour': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    local.damaged = 2;
    daemon.readStores();
    await tape.pass(50 * minutes);
    local.damaged = 0;
    daemon.readStores();
    await tape.pass(1 * hours);
    tape.expect();
    local.damaged = 2;
    daemon.readStores();
    await tape.pass(1 * hours + 10 * minutes);
    tape.expect('EtcdBackupCopiesDamaged a local');
  },

  'missing copies are told after hours': async (tape) => {
    const daemon = await working(tape);
    daemon.tell(sample('heal-started', { missing: { local: 2 } }));
    await tape.pass(5 * hours);
    tape.expect();
    await tape.pass(1 * hours + 10 * minutes);
    tape.expect('EtcdBackupCopiesMissing a local');
    daemon.tell(sample('heal-finished', { missing: { local: 0 } }));
    await tape.pass(10 * minutes);
    tape.expect();
  },

  'copies that are read in the time that scrubs promise are silent, later they are told': async (
    tape,
  ) => {
    const [local, unread] = [tapedStore('local'), tapedStore('unread')];
    const daemon = tape.daemon({ stores: [local, unread], scrubWithinMs: 2 * days });
    local.oldestRead = new Date(tape.nowMs);
    daemon.start();
    await tape.pass(2 * days + 2 * hours);
    tape.expect();
    await tape.pass(6 * hours);
    tape.expect('EtcdBackupScrubOverdue a local');
  },

  'without scrubs nothing is overdue': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    local.oldestRead = new Date(1000);
    daemon.start();
    await tape.pass(1 * days);
    tape.expect();
  },
};
