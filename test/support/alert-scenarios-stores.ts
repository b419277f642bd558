/** More of what happens to daemons: new clusters, stores that are lost, loops that stand still. */
import { Failure } from '../../src/core/errors.ts';
import { sample } from '../unit/observe/events.ts';
import { days, hours, minutes, type Tape, tapedStore } from './alert-tape.ts';

export const storeScenarios: Readonly<Record<string, (tape: Tape) => Promise<void>>> = {
  'a store that gets no backup is told by its name': async (tape) => {
    const [local, cloud] = [tapedStore('local'), tapedStore('cloud')];
    const daemon = tape.daemon({ stores: [local, cloud] });
    daemon.start();
    await tape.pass(3 * hours);
    daemon.onDue = () => daemon.takeBackup([local]);
    await tape.pass(2 * hours + 20 * minutes);
    tape.expect('EtcdBackupRunsFailing a', 'EtcdBackupTooOld a cloud');
  },

  'a store that cannot be read for a moment is silent': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    await tape.pass(1 * hours);
    local.readable = false;
    daemon.readStores();
    await tape.pass(15 * minutes);
    local.readable = true;
    daemon.readStores();
    await tape.pass(30 * minutes);
    tape.expect();
    local.readable = false;
    daemon.readStores();
    await tape.pass(25 * minutes);
    tape.expect('EtcdBackupStoreDown a local');
  },

  'a new cluster is silent while its first backup is taken': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.onDue = () => daemon.tell(sample('run-started'));
    daemon.start();
    await tape.pass(50 * minutes);
    tape.expect();
    daemon.takeBackup();
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a new cluster is silent until its first due time, however far': async (tape) => {
    const daemon = tape.daemon({ cron: '0 3 * * *', stores: [tapedStore('local')] });
    daemon.start({ catchUp: false });
    await tape.pass(2 * hours + 55 * minutes);
    tape.expect();
    await tape.pass(2 * days);
    tape.expect();
  },

  'a new cluster whose backups never succeed has none': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.onDue = () => daemon.fail();
    daemon.start();
    await tape.pass(50 * minutes);
    tape.expect();
    await tape.pass(1 * hours);
    tape.expect('EtcdBackupNone a local', 'EtcdBackupRunsFailing a');
  },

  'a bucket that was emptied is told, although the next backup goes well': async (tape) => {
    const cloud = tapedStore('cloud');
    const daemon = tape.daemon({ stores: [tapedStore('local'), cloud] });
    daemon.start();
    await tape.pass(1 * days);
    cloud.backups = [];
    await tape.pass(1 * hours + 10 * minutes);
    tape.expect('EtcdBackupsGone a cloud');
  },

  'a bucket that is emptied again and again has none': async (tape) => {
    const cloud = tapedStore('cloud');
    const daemon = tape.daemon({ stores: [cloud] });
    daemon.start();
    await tape.pass(1 * hours);
    daemon.onDue = () => daemon.fail();
    cloud.backups = [];
    await tape.pass(2 * hours + 20 * minutes);
    tape.expect('EtcdBackupNone a cloud', 'EtcdBackupRunsFailing a', 'EtcdBackupsGone a cloud');
  },

  'retention is no loss, also when it keeps much less than before': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    await tape.pass(2 * days);
    daemon.prune(local, 5);
    await tape.pass(10 * minutes);
    tape.expect();
    daemon.onDue = () => {
      daemon.takeBackup();
      daemon.prune(local, 5);
    };
    await tape.pass(1 * days);
    tape.expect();
  },

  'a daemon that stands still is told': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(1 * hours);
    daemon.freeze();
    await tape.pass(1 * hours + 30 * minutes);
    tape.expect();
    await tape.pass(20 * minutes);
    tape.expect('EtcdBackupScheduleStopped a');
  },

  'a daemon that never gets to its schedule is told': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.boot();
    daemon.readStores();
    daemon.freeze();
    await tape.pass(25 * minutes);
    tape.expect();
    await tape.pass(20 * minutes);
    tape.expect('EtcdBackupScheduleStopped a');
  },

  'a full disk is told by the failure that it made': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(1 * hours);
    daemon.onDue = () =>
      daemon.fail(sample('run-failed', { failure: new Failure('spool-full', 'no space') }));
    await tape.pass(1 * hours);
    tape.expect('EtcdBackupSpaceExhausted a');
    daemon.onDue = () => daemon.takeBackup();
    await tape.pass(2 * hours);
    tape.expect();
  },
};
