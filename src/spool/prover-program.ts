/**
 * What the proving thread runs. A file of its own, because the program that is one single file
 * carries it elsewhere: packaging/single has what takes the place of this one there.
 */
export interface ThreadProgram {
  readonly program: URL | string;
  /** Whether `program` is the text itself. */
  readonly isText: boolean;
}

export function proverProgram(): ThreadProgram {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return { program: new URL(`./prover-thread.${ending}`, import.meta.url), isText: false };
}
