/** What happens to daemons, and which alerts that must fire: the truth that the rules are held to. */
import { proofScenarios } from './alert-scenarios-proofs.ts';
import { storeScenarios } from './alert-scenarios-stores.ts';
import { turnScenarios } from './alert-scenarios-turns.ts';
import { days, hours, minutes, type Tape, tapedStore } from './alert-tape.ts';

const ageScenarios: Readonly<Record<string, (tape: Tape) => Promise<void>>> = {
  'a daemon that works is silent for days': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local'), tapedStore('cloud')] });
    daemon.start();
    for (let day = 0; day < 2; day += 1) {
      await tape.pass(1 * days);
      tape.expect();
    }
  },

  'a restart is silent, also while the stores are not read yet': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    await tape.pass(5 * hours + 30 * minutes);
    daemon.kill();
    await tape.pass(10 * minutes);
    daemon.boot();
    await tape.pass(10 * minutes);
    tape.expect();
    daemon.readStores();
    daemon.announce();
    await tape.pass(2 * hours);
    tape.expect();
  },

  'a restart on a store that is down is the alert of that store, not of its backups': async (
    tape,
  ) => {
    const [local, cloud] = [tapedStore('local'), tapedStore('cloud')];
    const daemon = tape.daemon({ stores: [local, cloud] });
    daemon.start();
    await tape.pass(5 * hours + 30 * minutes);
    daemon.kill();
    await tape.pass(5 * minutes);
    cloud.readable = false;
    daemon.onDue = () => daemon.takeBackup([local]);
    daemon.start();
    await tape.pass(25 * minutes);
    tape.expect('EtcdBackupStoreDown a cloud');
  },

  'a daemon that is gone is told, and silent when it is back': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    await tape.pass(3 * hours);
    daemon.kill();
    await tape.pass(10 * minutes);
    tape.expect();
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupDaemonDown a', 'EtcdBackupAbsent');
    await tape.pass(6 * hours);
    tape.expect('EtcdBackupDaemonDown a', 'EtcdBackupAbsent');
    daemon.start();
    await tape.pass(1 * hours);
    tape.expect();
  },

  'a job that is gone is told although nothing answers wrongly': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(1 * hours);
    daemon.forget();
    await tape.pass(20 * minutes);
    tape.expect('EtcdBackupAbsent');
  },

  'one daemon of three that is gone is told, and the others are there': async (tape) => {
    const cloud = tapedStore('cloud');
    const [a, b] = [
      tape.daemon({ instance: 'a', stores: [cloud] }),
      tape.daemon({ instance: 'b', stores: [cloud] }),
    ];
    a.start();
    b.onDue = () => b.readStores();
    b.start();
    await tape.pass(1 * hours);
    b.kill();
    await tape.pass(20 * minutes);
    tape.expect('EtcdBackupDaemonDown b');
  },

  'followers of another daemon are silent until nobody takes backups': async (tape) => {
    const cloud = tapedStore('cloud');
    const leader = tape.daemon({ instance: 'a', stores: [cloud] });
    const follower = tape.daemon({ instance: 'b', stores: [cloud] });
    follower.onDue = () => follower.readStores();
    leader.start();
    await tape.pass(1 * hours);
    follower.start();
    await tape.pass(1 * days);
    tape.expect();
    leader.kill();
    await tape.pass(2 * hours + 20 * minutes);
    tape.expect('EtcdBackupDaemonDown a', 'EtcdBackupTooOld b cloud');
  },

  'unchanged data is not too old, also after a restart': async (tape) => {
    const local = tapedStore('local');
    const daemon = tape.daemon({ stores: [local] });
    daemon.start();
    await tape.pass(1 * hours);
    daemon.onDue = () => daemon.findUnchanged();
    await tape.pass(20 * hours);
    tape.expect();
    daemon.kill();
    await tape.pass(10 * minutes);
    daemon.start();
    await tape.pass(3 * hours);
    tape.expect();
  },

  'unchanged data that nobody looks at any more is too old': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(1 * hours);
    daemon.onDue = () => daemon.findUnchanged();
    await tape.pass(5 * hours);
    daemon.onDue = () => daemon.fail();
    await tape.pass(1 * hours + 50 * minutes);
    tape.expect();
    await tape.pass(30 * minutes);
    tape.expect('EtcdBackupRunsFailing a', 'EtcdBackupTooOld a local');
  },

  'backups that fail warn after an hour and page after two due times': async (tape) => {
    const [local, cloud] = [tapedStore('local'), tapedStore('cloud')];
    const daemon = tape.daemon({ stores: [local, cloud] });
    daemon.start();
    await tape.pass(3 * hours);
    daemon.onDue = () => daemon.fail();
    await tape.pass(2 * hours + 10 * minutes);
    tape.expect();
    await tape.pass(10 * minutes);
    tape.expect('EtcdBackupRunsFailing a', 'EtcdBackupTooOld a local', 'EtcdBackupTooOld a cloud');
    daemon.onDue = () => daemon.takeBackup();
    await tape.pass(1 * hours);
    tape.expect();
  },

  'one run that failed and was made good by the next is silent': async (tape) => {
    const daemon = tape.daemon({ stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(3 * hours);
    daemon.onDue = () => daemon.fail();
    await tape.pass(1 * hours);
    daemon.onDue = () => daemon.takeBackup();
    for (let half = 0; half < 4; half += 1) {
      tape.expect();
      await tape.pass(30 * minutes);
    }
  },

  'a daily schedule is not too old in the evening, and is when a night and a day went by': async (
    tape,
  ) => {
    const daemon = tape.daemon({ cron: '0 3 * * *', stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(3 * days + 2 * hours + 55 * minutes);
    tape.expect();
    daemon.onDue = () => daemon.fail();
    await tape.pass(1 * hours);
    tape.expect();
    await tape.pass(22 * hours);
    tape.expect('EtcdBackupRunsFailing a');
    await tape.pass(1 * hours + 30 * minutes);
    tape.expect('EtcdBackupRunsFailing a', 'EtcdBackupTooOld a local');
  },

  'a schedule of working hours is silent over the weekend': async (tape) => {
    // The clock of the tape begins on a Friday.
    const daemon = tape.daemon({ cron: '0 9-17 * * 1-5', stores: [tapedStore('local')] });
    daemon.start();
    await tape.pass(18 * hours);
    for (let half = 0; half < 6; half += 1) {
      await tape.pass(12 * hours);
      tape.expect();
    }
  },
};

/** Each tells its story to a tape, and what fires when. */
export const alertScenarios: readonly (readonly [string, (tape: Tape) => Promise<void>])[] =
  Object.entries({ ...ageScenarios, ...turnScenarios, ...storeScenarios, ...proofScenarios });
