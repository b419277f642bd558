import type { Socket } from 'node:net';
import { type Problem, requestProblem } from './problem.ts';
import { problemAnswer } from './route.ts';

/** What is no HTTP at all never becomes a request: it is answered on the bare socket. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const problem = unreadableProblem(error.code);
  const answer = problemAnswer(problem);
  const length = Buffer.byteLength(answer.body);
  socket.end(
    `HTTP/1.1 ${answer.status} ${problem.title}\r\nConnection: close\r\n` +
      `Content-Type: ${answer.contentType}\r\nContent-Length: ${length}\r\n\r\n${answer.body}`,
  );
}

function unreadableProblem(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return requestProblem('too-slow', 'the request did not arrive in time');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return requestProblem('too-large', 'the head of the request is larger than 16 KiB');
  }
  return requestProblem('bad-request', 'this is not HTTP');
}
