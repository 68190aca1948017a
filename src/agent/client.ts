import { errnoOf } from '../errors.ts';
import { formatRequest } from './format-request.ts';
import { MAX_LINE_BYTES, type Reply, type Request } from './protocol.ts';
import { parseReply } from './parse-reply.ts';
import type { AgentPlace } from './socket-path.ts';

// A second, counted in turns of our own: one that a busy machine does not give us is none that the agent was silent in.
const SILENT_TURNS = 10;
const TURN_MS = 100;
/** While it writes to a slow disk. It closes the connection itself by then: REQUEST_LIMIT_MS. */
const DISK_TURNS = 60;

/** What became of a request, where there was no reply to it. */
export type Failure =
  /** Nobody listens: there is no agent, or one that ended without tidying up. */
  | 'dead'
  /** The connection ended without a reply; the agent may or may not have done what it was asked. */
  | 'broken'
  /** No reply within a second, on a machine that is short of time a longer one. */
  | 'silent'
  /** Something that this version does not understand. */
  | 'other-version';

export type Answer =
  | { readonly failure: undefined; readonly reply: Reply }
  | { readonly failure: Failure; readonly reply: undefined };

/**
 * Sends the lines of one request and waits for the reply: for a second, or longer while the agent waits for its disk. When
 * this gives up, the connection is closed by then: the agent performs no write whose connection is closed.
 */
export function askAgent(place: AgentPlace, lines: readonly string[]): Promise<Answer> {
  // Loaded here: no command needs it unless there is an agent.
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    let length = 0;
    const end = (answer: Answer): void => {
      clearInterval(timer);
      resolve(answer);
    };
    const fail = (failure: Failure): void => {
      socket.destroy();
      end({ failure, reply: undefined });
    };
    const take = (chunk: Buffer): void => {
      received.push(chunk);
      length += chunk.length;
      if (chunk.includes('\n') || length > MAX_LINE_BYTES) {
        const reply = parseReply(Buffer.concat(received).toString('utf8'));
        if (reply === undefined || reply === 'version') {
          fail('other-version');
        } else {
          // The agent closes the connection now.
          end({ failure: undefined, reply });
        }
      }
    };
    const socket = connect({
      path: place.socket,
      // Without the stream's own way of reading, which a look-up would load for one line.
      onread: {
        buffer: Buffer.allocUnsafe(MAX_LINE_BYTES),
        callback: (count, buffer) => {
          take(Buffer.from(buffer.subarray(0, count)));
          return true;
        },
      },
    });
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
      if (turns >= SILENT_TURNS) {
        void isAtWork(place, turns)
          .catch(() => false)
          .then((atWork) => {
            if (!atWork) {
              // Behind what the socket has for us by now.
              setImmediate(() => fail('silent'));
            }
          });
      }
    }, TURN_MS);
    socket.on('error', (error) => {
      const errno = errnoOf(error);
      fail(errno === 'ECONNREFUSED' || errno === 'ENOENT' ? 'dead' : 'broken');
    });
    socket.on('close', () => fail('broken'));
    socket.on('connect', () => socket.write(lines.join('')));
  });
}

export function ask(place: AgentPlace, request: Request): Promise<Answer> {
  return askAgent(place, [formatRequest(request)]);
}

async function isAtWork(place: AgentPlace, turns: number): Promise<boolean> {
  if (turns >= DISK_TURNS) {
    return false;
  }
  const [{ readHolder }, { waitsForDisk }] = await Promise.all([
    import('../platform/file-lock.ts'),
    import('../platform/process-state.ts'),
  ]);
  return waitsForDisk(readHolder(place.lockFile));
}

/** As node:timers/promises has it, which most commands need not load. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
