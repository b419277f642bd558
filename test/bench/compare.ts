/**
 * Runs two commands in turn and prints times, their ratio, the largest resident memory, and how
 * many processors of the machine were at work meanwhile, by whomever: the servers run on it, too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

export interface Contestant {
  readonly name: string;
  readonly command: readonly string[];
  /** Removes what a run left, so that every run does the same work. */
  readonly clean?: () => void | Promise<void>;
}

interface Measured {
  readonly seconds: number;
  readonly residentBytes: number;
  readonly busyProcessors: number;
}

/** How often the memory of a running command is looked at. */
const lookMs = 20;

export async function measure({ name, command, clean }: Contestant): Promise<Measured> {
  await clean?.();
  const [program = '', ...args] = command;
  const startedMs = performance.now();
  const startedBusyMs = busyMs();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  let residentBytes = 0;
  const looking = setInterval(() => {
    residentBytes = Math.max(residentBytes, peakOf(child.pid));
  }, lookMs);
  const [code] = await once(child, 'close');
  clearInterval(looking);
  if (code !== 0) throw new Error(`${name} ended with ${code}:\n${said}`);
  const tookMs = performance.now() - startedMs;
  const busyProcessors = (busyMs() - startedBusyMs) / tookMs;
  return { seconds: tookMs / 1000, residentBytes, busyProcessors };
}

/** Of all processors together, since the machine started. */
function busyMs(): number {
  return cpus().reduce((sum, { times: { user, nice, sys, irq } }) => {
    return sum + user + nice + sys + irq;
  }, 0);
}

/** The kernel's own high-water mark of the process's resident memory. */
function peakOf(pid: number | undefined): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Alternates, after one round that is not counted. */
export async function compare(
  ours: Contestant,
  official: Contestant,
  rounds: number,
): Promise<void> {
  const results: [Measured, Measured][] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const pair: [Measured, Measured] = [await measure(ours), await measure(official)];
    if (round > 0) results.push(pair);
  }
  for (const [index, { name }] of [ours, official].entries()) {
    const runs = results.map((pair) => pair[index] as Measured);
    const seconds = median(runs.map((run) => run.seconds)).toFixed(2);
    const mebibytes = Math.round(Math.max(...runs.map((run) => run.residentBytes)) / 1024 ** 2);
    const busy = median(runs.map((run) => run.busyProcessors)).toFixed(1);
    console.log(
      `${name.padEnd(32)} median ${seconds} s, resident ${mebibytes} MiB, ` +
        `${busy} of ${availableParallelism()} processors busy`,
    );
  }
  const ratios = results.map(([a, b]) => a.seconds / b.seconds);
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  const spread = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  console.log(`ours / official: median ${median(ratios).toFixed(2)} (${spread}, ${rounds} rounds)`);
}
