/**
 * What the events tell of the run in progress. The metrics and the status both need it, and
 * must not differ about when a run ended and how.
 */

import {
  type BackupStep,
  backupSteps,
  type Event,
  type RunResult,
  type Trigger,
} from '../core/events.ts';

export interface RunView {
  readonly trigger: Trigger | null;
  readonly slot: Date | null;
  readonly attempt: number;
  readonly startedAt: Date;
  readonly step: BackupStep;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly member: { id: string; name: string; role: 'follower' | 'leader' } | null;
}

export interface RunFollower {
  /** The result, if this event ended a run. */
  readonly take: (event: Event) => RunResult | undefined;
  /** The run in progress, or the last one. */
  readonly view: () => RunView;
  /** Whether a run is in progress. */
  readonly open: () => boolean;
}

/**
 * A run ends with the first event that says so; those after it tell more of the same end and
 * count no second time.
 */
export function followRun(now: () => Date): RunFollower {
  let run = freshRun(now());
  let open = false;
  return {
    take(event) {
      if (event.kind === 'run-started') {
        run = freshRun(now(), event);
        open = true;
        return undefined;
      }
      run = advance(run, event);
      const result = endOf(event);
      if (result === undefined || !open) return undefined;
      open = false;
      return result;
    },
    view: () => run,
    open: () => open,
  };
}

/**
 * Whether failures before this run are over. A run stopped by a signal does not tell, and one that
 * another daemon answered only where this daemon had not failed in it before.
 */
export function wentWell(result: RunResult, { attempt }: RunView): boolean {
  if (result === 'answered') return attempt === 1;
  return result === 'success' || result === 'unchanged';
}

function freshRun(startedAt: Date, told?: Extract<Event, { kind: 'run-started' }>): RunView {
  return {
    trigger: told?.trigger ?? null,
    slot: told?.slot ?? null,
    attempt: told?.attempt ?? 1,
    startedAt,
    step: 'choose',
    doneBytes: 0,
    totalBytes: 0,
    member: null,
  };
}

function advance(run: RunView, event: Event): RunView {
  switch (event.kind) {
    case 'step-advanced': {
      const { step, doneBytes, totalBytes } = event;
      return { ...run, step, doneBytes, totalBytes };
    }
    case 'step-finished':
      return event.step === run.step
        ? { ...run, step: stepAfter(run.step), doneBytes: 0, totalBytes: 0 }
        : run;
    case 'member-chosen': {
      const member = { id: event.member, name: event.name, role: event.role };
      const { trigger, slot, attempt, startedAt } = run;
      return { ...freshRun(startedAt), trigger, slot, attempt, member, step: 'drain' };
    }
    default:
      return run;
  }
}

function stepAfter(step: BackupStep): BackupStep {
  return backupSteps[backupSteps.indexOf(step) + 1] ?? step;
}

function endOf(event: Event): RunResult | undefined {
  switch (event.kind) {
    case 'run-finished':
      return event.result;
    case 'run-skipped':
      return 'unchanged';
    case 'run-failed':
      return event.failure.code === 'stopped' ? 'stopped' : 'failure';
    default:
      return undefined;
  }
}
