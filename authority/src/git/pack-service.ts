import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Readable, Transform, type Writable } from 'node:stream';

import { codeOf } from '../errors.ts';
import { gitEnvironment } from './git-environment.ts';
import { createSlots } from './slots.ts';

/** The two services of smart HTTP (gitprotocol-http(5)): for clients that fetch, and for those that push. */
export const GIT_SERVICES = ['git-upload-pack', 'git-receive-pack'] as const;
export type GitService = (typeof GIT_SERVICES)[number];

export interface PackRequest {
  readonly service: GitService;
  /** The directory of the repository. */
  readonly repository: string;
  /** What the client said in `Git-Protocol`. */
  readonly protocol: string | undefined;
  /** What the client sends, decoded. Undefined when it asks for refs and capabilities (`info/refs`). */
  readonly input: Readable | undefined;
  /** Ends git, with everything that it started, or the waiting for it: nobody listens any more. */
  readonly signal: AbortSignal;
}

export interface PackServices {
  /**
   * Starts git, which reads and writes as fast as the client does.
   * @returns what it says to the client, as soon as there is something or it has ended well; undefined when too many
   *   others ran for too long
   * @throws GitFailure when it failed and has said nothing; the input's error, or the signal's, when that came first
   */
  run(request: PackRequest): Promise<Readable | undefined>;
}

export interface PackServiceOptions {
  /** The largest pack that is taken; its sender is told. */
  readonly maxPushBytes: number;
  /** How many run at once. */
  readonly processes: number;
  /** Hears of a git that failed after it had begun to answer, which the client has then heard from git. */
  readonly onFailure: (failure: GitFailure) => void;
  /** How long others wait for one of them to end. */
  readonly waitMs?: number;
}

/** How a git ended that should not have. The message has the end of what it said, for the log. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  /** What it was sent was no request of git. */
  readonly isClientFault: boolean;

  constructor(service: GitService, how: string, said: string) {
    super(`${service} ended with ${how}: ${said.trim()}`);
    this.isClientFault = /^fatal: (?:protocol error|the remote end hung up)/m.test(said);
  }
}

type Git = ChildProcessByStdio<Writable, Readable, Readable>;
interface End {
  readonly how: 'success' | 'signal' | 'failure';
  readonly failure: GitFailure;
}

const WAIT_MS = 30_000;
const TERMINATE_PUSH_AFTER_MS = 10_000;
const KILL_AFTER_MS = 5_000;
const STDERR_AFTER_EXIT_MS = 1_000;
const REMEMBERED_STDERR = 2_000;
const CHUNK_BYTES = 64 * 1_024;

export function createPackServices({
  maxPushBytes,
  processes,
  onFailure,
  waitMs = WAIT_MS,
}: PackServiceOptions): PackServices {
  const slots = createSlots(processes, waitMs);
  const env = gitEnvironment({ 'receive.maxInputSize': String(maxPushBytes) });

  const start = async ({ service, repository, protocol, input }: PackRequest): Promise<Git> => {
    const git = spawn(
      'git',
      [
        service.replace(/^git-/, ''),
        '--stateless-rpc',
        ...(input === undefined ? ['--http-backend-info-refs'] : []),
        repository,
      ],
      {
        env: { ...env, ...(protocol === undefined ? {} : { GIT_PROTOCOL: protocol }) },
        stdio: ['pipe', 'pipe', 'pipe'],
        // A process group of its own: git starts others, which must end with it, and not with Ctrl-C on the server.
        detached: true,
      },
    );
    try {
      await once(git, 'spawn');
    } catch (error) {
      throw new GitFailure(service, codeOf(error) ?? 'an error', 'it could not be started');
    }
    return git;
  };

  return {
    run: async (request) => {
      const { service, input, signal } = request;
      const release = await slots.take(signal);
      if (release === undefined) {
        return undefined;
      }
      const git = await start(request).catch((error: unknown) => {
        release();
        throw error;
      });
      const ended = endOf(git, service);
      void ended.then(release);
      const output = outputOf(git, ended, announcementOf(request), onFailure);
      const onAbort = (): void => stop(git, service);
      signal.addEventListener('abort', onAbort);
      void ended.then(() => signal.removeEventListener('abort', onAbort));
      if (signal.aborted) {
        onAbort();
      }
      feed(git, input, (error) => {
        stop(git, service);
        output.destroy(error);
      });
      // Also when it ends, or is destroyed for an error.
      await once(output, 'readable', { signal });
      return output;
    },
  };
}

/** As git-http-backend(1) does it: version 2 of the protocol, which is for fetching, begins without. */
function announcementOf({ service, input, protocol = '' }: PackRequest): Buffer | undefined {
  const isVersion2 = service === 'git-upload-pack' && protocol.split(':').includes('version=2');
  if (input !== undefined || isVersion2) {
    return undefined;
  }
  const line = `# service=${service}\n`;
  // A pkt-line and a flush-pkt (gitprotocol-common(5)).
  return Buffer.from(`${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`);
}

async function endOf(git: Git, service: GitService): Promise<End> {
  let said = '';
  git.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-REMEMBERED_STDERR);
  });
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    git.once('exit', (...end) => resolve(end));
  });
  if (!git.stderr.closed) {
    // What it started may live on and keep it open.
    await once(git.stderr, 'close', { signal: AbortSignal.timeout(STDERR_AFTER_EXIT_MS) }).catch(() => {});
  }
  return {
    how: signal !== null ? 'signal' : status === 0 ? 'success' : 'failure',
    failure: new GitFailure(service, signal ?? `status ${status}`, said),
  };
}

/** What git says, with the end held back until git has ended: only then is it known whether that was all. */
function outputOf(
  git: Git,
  ended: Promise<End>,
  announcement: Buffer | undefined,
  onFailure: (failure: GitFailure) => void,
): Transform {
  let hasSpoken = false;
  const output = new Transform({
    highWaterMark: CHUNK_BYTES,
    transform: (chunk: Buffer, _encoding, done) => {
      if (!hasSpoken && announcement !== undefined) {
        output.push(announcement);
      }
      hasSpoken = true;
      done(null, chunk);
    },
    flush: (done) => {
      void ended.then(({ how, failure }) => {
        if (how === 'signal' || (how === 'failure' && !hasSpoken)) {
          done(failure);
          return;
        }
        if (how === 'failure') {
          onFailure(failure);
        }
        done();
      });
    },
  });
  // When the client is gone, nobody else listens.
  for (const stream of [output, git.stdout, git.stderr]) {
    stream.on('error', () => {});
  }
  git.stdout.pipe(output);
  return output;
}

function feed(git: Git, input: Readable | undefined, onInputError: (error: Error) => void): void {
  // It reads no more, and says why. The rest must be taken nevertheless, or the client would not listen.
  git.stdin.on('error', () => {});
  git.stdin.once('close', () => input?.resume());
  if (input === undefined) {
    git.stdin.end();
    return;
  }
  if (input.errored !== null) {
    onInputError(input.errored);
    return;
  }
  input.once('error', onInputError);
  input.pipe(git.stdin);
}

/**
 * Ends git and what it started. Of a push it first sees the end of what it is sent, so that it removes what it has
 * received; a push that has arrived whole may be finished.
 */
function stop(git: Git, service: GitService): void {
  git.stdin.destroy();
  git.stdout.unpipe();
  git.stdout.resume();
  const signalAll = (signal: NodeJS.Signals): void => {
    if (git.pid !== undefined && git.exitCode === null && git.signalCode === null) {
      // Its process group.
      process.kill(-git.pid, signal);
    }
  };
  const patience = service === 'git-receive-pack' ? TERMINATE_PUSH_AFTER_MS : 0;
  setTimeout(signalAll, patience, 'SIGTERM').unref();
  setTimeout(signalAll, patience + KILL_AFTER_MS, 'SIGKILL').unref();
}
