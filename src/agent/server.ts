import { lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextCheck } from 'node:timers/promises';

import { ioError } from '../errors.ts';
import { MAX_LINE_BYTES, MAX_REQUEST_BYTES, REQUEST_LIMIT_MS, type Reply, type Request } from './protocol.ts';
import { formatReply } from './format-reply.ts';
import { parseRequest } from './parse-request.ts';
import type { Connection, Session } from './unlock-state.ts';

const MAX_CONNECTIONS = 64;
const PRIVATE_UMASK = 0o177;

export interface AgentServer {
  /** Whether the socket is still where clients find it. */
  isReachable(): boolean;
  /** Removes the socket. */
  close(): void;
}

/**
 * Listens on the socket and answers. Whoever connects is this user: the directory lets nobody else in. Still nothing that
 * a client does, or does not do, may hold up the others or make this process grow: 64 connections, 5 seconds for each,
 * lines of 64 KiB; what is beyond is cut.
 * @param path only the holder of the agent's lock may call this: what lies there is removed
 * @param onLocked called after a reply that says so
 * @throws IO
 */
export async function serve(path: string, session: Session, onLocked: () => void): Promise<AgentServer> {
  const server = createServer((socket) => answer(socket, session, onLocked));
  server.maxConnections = MAX_CONNECTIONS;
  const umask = process.umask(PRIVATE_UMASK);
  try {
    rmSync(path, { force: true });
    await listen(server, path);
  } catch (error) {
    throw ioError('listen on', path, error);
  } finally {
    process.umask(umask);
  }
  const { ino, dev } = lstatSync(path);
  return {
    isReachable: () => {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      return stats?.ino === ino && stats.dev === dev;
    },
    close: () => {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      // Out of descriptors, say: whoever could not connect falls back, and later ones may fare better.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function answer(socket: Socket, session: Session, onLocked: () => void): void {
  const deadline = setTimeout(() => socket.destroy(), REQUEST_LIMIT_MS);
  let isOpen = true;
  let answered = false;
  const ended = (): void => {
    isOpen = false;
    clearTimeout(deadline);
    socket.destroy();
  };
  socket.on('end', ended);
  socket.on('close', ended);
  socket.on('error', ended);

  const connection: Connection = {
    get isOpen() {
      return isOpen;
    },
    // The first one comes after the events that wait already, the second one after the next look at the sockets, the
    // third in case that look found the rest of a request before its end.
    poll: async () => {
      for (let look = 0; look < 3; look += 1) {
        await nextCheck();
      }
    },
  };
  const reply = (message: Reply): void => {
    answered = true;
    if (isOpen) {
      socket.end(formatReply(message), () => {
        if (message.type === 'locked') {
          onLocked();
        }
      });
    } else if (message.type === 'locked') {
      onLocked();
    }
  };
  const perform = async (request: Request): Promise<void> => {
    reply(await session.handle(request, connection));
  };

  const lines = collectLines();
  const request = collectRequest();
  socket.on('data', (chunk: Buffer) => {
    if (answered) {
      ended();
      return;
    }
    for (const line of lines(chunk)) {
      if (line === undefined) {
        ended();
        return;
      }
      const part = request(line);
      if (part === 'version' || part === undefined) {
        reply({ type: 'refused', reason: part === undefined ? 'request' : part });
        return;
      }
      if (part !== 'incomplete') {
        answered = true;
        // What it rejects with is a bug of ours; it ends the process as any other.
        void perform(part);
        return;
      }
    }
  });
}

/**
 * Cuts what arrives into lines, one when it is asked for, because most requests have one; ends with undefined as soon as
 * a line or all of them together are too long.
 */
function collectLines(): (chunk: Buffer) => Generator<string | undefined, void> {
  // One buffer that grows, not a list of chunks: each of them costs much more than the byte that may be all it has.
  let line = Buffer.alloc(0);
  let length = 0;
  let total = 0;
  const append = (part: Buffer): void => {
    if (length + part.length > line.length) {
      const larger = Buffer.alloc(Math.max(length + part.length, 2 * line.length));
      line.copy(larger, 0, 0, length);
      line = larger;
    }
    length += part.copy(line, length);
  };
  return function* cut(chunk) {
    total += chunk.length;
    for (let start = 0; start < chunk.length;) {
      const lineEnd = chunk.indexOf('\n', start);
      const end = lineEnd === -1 ? chunk.length : lineEnd;
      if (length + end - start >= MAX_LINE_BYTES || total > MAX_REQUEST_BYTES) {
        yield undefined;
        return;
      }
      append(chunk.subarray(start, end));
      if (lineEnd !== -1) {
        const text = line.toString('utf8', 0, length);
        length = 0;
        yield text;
      }
      start = end + 1;
    }
  };
}

/** Puts the lines of one write together. */
function collectRequest(): (line: string) => Request | 'incomplete' | 'version' | undefined {
  let before: Extract<Request, { type: 'apply' }> | undefined;
  return (line) => {
    const request = parseRequest(line);
    if (request === undefined || request === 'version') {
      return request;
    }
    if (request.type !== 'apply') {
      return before === undefined ? request : undefined;
    }
    if (before !== undefined && before.vault !== request.vault) {
      return undefined;
    }
    const whole = { ...request, changes: [...(before?.changes ?? []), ...request.changes] };
    before = whole;
    return request.last ? whole : 'incomplete';
  };
}
