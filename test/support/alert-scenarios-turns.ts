/** Stories of several daemons that share a store. */
import { days, hours, minutes, type Tape, tapedStore } from './alert-tape.ts';
import type { TapedDaemon } from './taped-daemon.ts';

/** Three of them, and the store that they share. */
function neighbours(tape: Tape): readonly [TapedDaemon, TapedDaemon, TapedDaemon] {
  const stores = [tapedStore('cloud')];
  const launch = (instance: string): TapedDaemon => {
    const daemon = tape.daemon({ instance, stores });
    daemon.onDue = () => daemon.takeTurn();
    daemon.start();
    return daemon;
  };
  return [launch('a'), launch('b'), launch('c')];
}

export const turnScenarios: Readonly<Record<string, (tape: Tape) => Promise<void>>> = {
  'daemons whose neighbour works are silent, also when it is gone and they stand in': async (
    tape,
  ) => {
    const [a] = neighbours(tape);
    await tape.pass(1 * days);
    tape.expect();
    a.kill();
    await tape.pass(4 * hours);
    tape.expect('EtcdBackupDaemonDown a');
  },

  'each of several daemons tells when none of them takes backups': async (tape) => {
    const all = neighbours(tape);
    await tape.pass(3 * hours);
    for (const daemon of all) daemon.onDue = () => daemon.fail();
    await tape.pass(2 * hours + 20 * minutes);
    tape.expect(
      ...['a', 'b', 'c'].map((instance) => `EtcdBackupRunsFailing ${instance}`),
      ...['a', 'b', 'c'].map((instance) => `EtcdBackupTooOld ${instance} cloud`),
    );
  },

  'a daemon that fails is told, although a neighbour stands in each time': async (tape) => {
    const [, b] = neighbours(tape);
    await tape.pass(3 * hours);
    b.onDue = () => {
      b.fail();
      b.takeTurn({ attempt: 2 });
    };
    await tape.pass(2 * hours + 20 * minutes);
    tape.expect('EtcdBackupRunsFailing b');
  },

  'a failure of all daemons is over when one of them takes the next backup': async (tape) => {
    const all = neighbours(tape);
    await tape.pass(3 * hours);
    for (const daemon of all) daemon.onDue = () => daemon.fail();
    await tape.pass(1 * hours);
    for (const daemon of all) daemon.onDue = () => daemon.takeTurn();
    for (let half = 0; half < 5; half += 1) {
      await tape.pass(30 * minutes);
      tape.expect();
    }
  },
};
