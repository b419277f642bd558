/**
 * What every store checks about a request before it acts, in one place so that all of them refuse
 * the same things with the same words.
 */
import { Failure } from '../core/errors.ts';
import { type ObjectName, objectName } from '../core/names.ts';
import type { ByteRange } from './port.ts';

/** The range to read from an object of `sizeBytes`; the whole of it when none is asked for. */
export function checkedRange(name: string, sizeBytes: number, range?: ByteRange): ByteRange {
  if (range === undefined) return { start: 0, end: sizeBytes };
  const { start, end } = range;
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end)) {
    throw new Failure('internal', `not a range: ${start} to ${end} of ${name}`);
  }
  if (end > sizeBytes) {
    throw new Failure('object-damaged', `${name} ends at ${sizeBytes}, before byte ${end}`, {
      context: { object: name, sizeBytes, start, end },
    });
  }
  return range;
}

/** Whole segments of a prefix must be those of an object name: no prefix can leave the store. */
export function checkedPrefix(prefix: string): { folder: string; rest: string } {
  const cut = prefix.lastIndexOf('/');
  const folder = cut < 0 ? '' : prefix.slice(0, cut);
  if (cut >= 0) objectName(folder);
  const rest = prefix.slice(cut + 1);
  if (!/^[A-Za-z0-9._-]*$/.test(rest)) {
    throw new Failure('internal', `not a prefix: ${JSON.stringify(prefix.slice(0, 100))}`);
  }
  return { folder, rest };
}

/** What a put throws that was to replace nothing. */
export function objectExists(
  store: { readonly name: string; readonly describe: () => string },
  name: ObjectName,
  cause?: unknown,
): Failure {
  const message = `store ${store.name} (${store.describe()}): there is a ${name} already`;
  return new Failure('object-exists', message, {
    cause,
    context: { store: store.name, object: name },
  });
}

/** For names that a store finds: those that are no object names are foreign. */
export function isObjectName(name: string): name is ObjectName {
  try {
    return objectName(name) === name;
  } catch {
    return false;
  }
}
