/** A progress line on stderr for whoever watches; nothing at all when nobody does. */
import type { Event, Observe } from '../core/events.ts';
import { formatBytes } from '../core/units.ts';
import type { Terminal } from './command.ts';

const barWidth = 30;
const redrawMs = 100;

export interface Progress extends Disposable {
  readonly show: (what: string, doneBytes: number, totalBytes: number) => void;
  /** Removes the line, so that other text can be written. */
  readonly clear: () => void;
}

export function progressOn(terminal: Terminal): Progress {
  let shownAtMs = 0;
  let shown = false;
  const clear = (): void => {
    if (shown) terminal.err('\r\u001b[K');
    shown = false;
  };
  const show = (what: string, doneBytes: number, totalBytes: number): void => {
    if (!terminal.watched || performance.now() - shownAtMs < redrawMs) return;
    shownAtMs = performance.now();
    shown = true;
    terminal.err(`\r\u001b[K${progressLine(what, doneBytes, totalBytes)}`);
  };
  return { show, clear, [Symbol.dispose]: clear };
}

export function progressLine(what: string, doneBytes: number, totalBytes: number): string {
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
  const filled = Math.round(share * barWidth);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}`;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `${what} [${bar}] ${percent} ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
}

/** Draws the steps of a run, and clears the line before any other event is written. */
export function progressObserver(progress: Progress): Observe {
  return (event: Event) => {
    if (event.kind === 'step-advanced') {
      progress.show(event.step, event.doneBytes, event.totalBytes);
    } else if (event.kind === 'copy-advanced') {
      progress.show(`${event.id} to ${event.store}`, event.doneBytes, event.totalBytes);
    } else if (event.kind === 'restore-advanced') {
      progress.show('fetch', event.doneBytes, event.totalBytes);
    } else if (event.kind === 'scrub-advanced') {
      progress.show('scrub', event.doneBytes, event.totalBytes);
    } else {
      progress.clear();
    }
  };
}
