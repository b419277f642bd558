/** The proof without its thread: the same work at once, for tests of stories around it. */
import { Failure } from '../../src/core/errors.ts';
import { FollowingProof } from '../../src/spool/following-proof.ts';
import type { ProvableFile, Prover, ProverAnswer } from '../../src/spool/prover.ts';

export function inlineProver({ path, ring }: ProvableFile): Prover {
  let proof: FollowingProof | undefined;
  let isDisposed = false;
  const opened = (): FollowingProof => {
    if (isDisposed) throw new Failure('internal', 'the proof was given up');
    proof ??= new FollowingProof(path, ring);
    return proof;
  };
  return {
    advance: (sizeBytes) => opened().follow(sizeBytes),
    caughtUp: async () => undefined,
    finish: async (sizeBytes) => {
      const answer = whole(opened().answer({ kind: 'finish', sizeBytes }));
      if (answer.kind !== 'proved') throw new Error('another answer');
      return answer.proved;
    },
    hashKv: async (at) => {
      const answer = whole(opened().answer({ kind: 'hash-kv', ...at }));
      if (answer.kind !== 'hash-kv') throw new Error('another answer');
      return answer.hash;
    },
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
    },
  };
}

function whole(answer: ProverAnswer): ProverAnswer {
  if (answer.kind !== 'failed') return answer;
  const { code, message, context } = answer.failure;
  throw new Failure(code, message, { context });
}
