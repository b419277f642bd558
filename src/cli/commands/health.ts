import { Failure } from '../../core/errors.ts';
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
  const { enabled, listen } = loadSettings(call, { checkFiles: false }).config.http;
  if (!enabled || listen.port === 0) {
    throw new Failure('config-invalid', 'health needs http.enabled and a port in http.listen');
  }
  const url = `http://${reachable(listen.host)}:${listen.port}`;
  const { ok, reason } = await ask(`${url}/${call.values.ready ? 'readyz' : 'healthz'}`, call);
  if (!ok) throw new Failure('daemon-unhealthy', `the daemon at ${url} says: ${reason}`);
  call.terminal.out(`${reason}\n`);
  return 0;
}

async function ask(url: string, call: Call): Promise<{ ok: boolean; reason: string }> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(answerMs)]);
  try {
    const answer = await fetch(url, { signal });
    const { reason } = (await answer.json()) as { reason?: unknown };
    // Anybody may listen on a port: only an answer in the daemon's words counts.
    if (typeof reason !== 'string') throw new Error('it is not the daemon');
    return { ok: answer.ok, reason };
  } catch (error) {
    call.signal.throwIfAborted();
    const cause = (error as Error).cause ?? error;
    const { code, message } = cause as NodeJS.ErrnoException;
    const text = `${url} does not answer: ${code ?? message}`;
    throw new Failure('daemon-unhealthy', text, { cause: error });
  }
}

/** An address that means all of the host is for listening; one of them is for asking. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
