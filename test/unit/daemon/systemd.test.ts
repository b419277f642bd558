/** Against a socket as systemd has one, and systemd's own program that writes to it. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { systemdSupervisor } from '../../../src/daemon/systemd.ts';
import { NoticeSocket } from '../../support/notices.ts';

const nowhere = { env: {}, pid: 1, complain: () => undefined };

describe('without systemd', () => {
  test('nobody is told anything', () => {
    expect(systemdSupervisor(nowhere)).toBeUndefined();
    expect(systemdSupervisor({ ...nowhere, env: { NOTIFY_SOCKET: '' } })).toBeUndefined();
  });
});

describe('the watchdog of systemd', () => {
  const supervisor = (env: Record<string, string>) =>
    systemdSupervisor({ ...nowhere, pid: 77, env: { NOTIFY_SOCKET: '/nowhere', ...env } });

  test('waits as long as it says', () => {
    expect(supervisor({ WATCHDOG_USEC: '90000000' })?.patienceMs).toBe(90_000);
    expect(supervisor({ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '77' })?.patienceMs).toBe(90_000);
  });

  test('is not ours when it is off, unreadable or watches another process', () => {
    expect(supervisor({})?.patienceMs).toBeUndefined();
    expect(supervisor({ WATCHDOG_USEC: '0' })?.patienceMs).toBeUndefined();
    expect(supervisor({ WATCHDOG_USEC: 'soon' })?.patienceMs).toBeUndefined();
    expect(supervisor({ WATCHDOG_USEC: '1', WATCHDOG_PID: '78' })?.patienceMs).toBeUndefined();
  });
});

describe('systemd', () => {
  test('gets every notice, in order, each status on one line', async () => {
    await using socket = await NoticeSocket.open();
    const complain = vi.fn();
    const env = { PATH: socket.programs, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '10000000' };
    const supervisor = systemdSupervisor({ env, pid: 1, complain });

    supervisor?.tell({ ready: true, alive: true, status: 'next backup\nMAINPID=1' });
    supervisor?.tell({ status: 'overtaken by the next' });
    supervisor?.tell({ stopping: true, status: 'draining' });
    await socket.until('STOPPING=1');

    expect(socket.words.filter((word) => word !== 'listening')).toEqual([
      'READY=1',
      'WATCHDOG=1',
      'STATUS=next backup MAINPID=1',
      'STATUS=draining',
      'STOPPING=1',
    ]);
    expect(complain).not.toHaveBeenCalled();
  });

  test('that cannot be told is complained about once, and hears it all later', async () => {
    await using socket = await NoticeSocket.open();
    const folder = mkdtempSync(join(tmpdir(), 'no-notify-'));
    const complaints: string[] = [];
    const complained = Promise.withResolvers<void>();
    const complain = (line: string) => {
      complaints.push(line);
      complained.resolve();
    };
    const env = { PATH: folder, NOTIFY_SOCKET: socket.path };
    const supervisor = systemdSupervisor({ env, pid: 1, complain });

    supervisor?.tell({ ready: true });
    await complained.promise;
    symlinkSync(join(socket.programs, 'systemd-notify'), join(folder, 'systemd-notify'));
    supervisor?.tell({ status: 'here' });
    await socket.until('STATUS=here');

    expect(complaints.join()).toMatch(/^etcd-backupd: systemd-notify failed \(spawn .* ENOENT\)/);
    expect(complaints).toHaveLength(1);
    expect(socket.words).toContain('READY=1');
    rmSync(folder, { recursive: true });
  });
});
