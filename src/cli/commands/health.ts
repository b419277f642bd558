import type { HttpConfig } from '../../config/config.ts';
import { Failure } from '../../core/errors.ts';
import { askDaemon, daemonUrl, silenceOf } from '../ask-daemon.ts';
import type { Call, Command } from '../command.ts';
import { configOptions, loadSettings } from '../settings.ts';

export const healthCommand: Command = {
  name: 'health',
  summary: 'Ask the daemon on this host whether it does its work, for probes',
  usage: '[--ready] [options]',
  positionals: { min: 0, max: 0 },
  options: {
    ...configOptions,
    ready: { type: 'boolean', doc: 'ask whether the schedule is armed, not whether it works' },
  },
  examples: ['etcd-backupd health', 'etcd-backupd health --ready'],
  codes: ['daemon-unhealthy'],
  run,
};

/** Shorter than the limit that the probes of containers have here: the reason is to be seen. */
const answerMs = 5000;

/** Opens neither stores nor the cluster: what they suffer is no reason to restart the daemon. */
async function run(call: Call): Promise<number> {
  const { http } = loadSettings(call, { checkFiles: false }).config;
  if (!http.enabled || http.listen.port === 0) {
    throw new Failure('config-invalid', 'health needs http.enabled and a port in http.listen');
  }
  const { ok, reason } = await ask(http, call);
  if (!ok)
    throw new Failure('daemon-unhealthy', `the daemon at ${daemonUrl(http)} says: ${reason}`);
  call.terminal.out(`${reason}\n`);
  return 0;
}

async function ask(http: HttpConfig, call: Call): Promise<{ ok: boolean; reason: string }> {
  const path = call.values.ready ? '/readyz' : '/healthz';
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(answerMs)]);
  try {
    const { status, body } = await askDaemon(http, { path, signal });
    const { reason } = Object(body) as { reason?: unknown };
    // Anybody may listen on a port: only an answer in the daemon's words counts.
    if (typeof reason !== 'string') throw new Error('it is not the daemon');
    return { ok: status === 200, reason };
  } catch (error) {
    call.signal.throwIfAborted();
    const text = `${daemonUrl(http)}${path} does not answer: ${silenceOf(error)}`;
    throw new Failure('daemon-unhealthy', text, { cause: error });
  }
}
