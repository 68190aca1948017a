import { spawn } from 'node:child_process';

import { ioError, MesaAuthError } from '../errors.ts';
import { formatSetup, parseStart, type AgentSetup, type AgentStart } from './setup.ts';

// A core file would hold the passphrase, and Node cannot set the limit itself.
const WITHOUT_CORE = ['-c', 'ulimit -c 0 && exec "$@"', 'mesa'] as const;

// What a hostile client makes it allocate is to be given back soon: mallopt(3), and V8's space for what is new.
const SMALL_HEAP = ['--max-semi-space-size=1'] as const;
const SMALL_MEMORY = { MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_ARENA_MAX: '2' } as const;

/** A process that becomes the agent once it is told the passphrase. */
export interface AgentProcess {
  /**
   * Tells it what it needs and waits until it is ready: then it lives on by itself. Otherwise it is gone when this
   * resolves or rejects.
   * @param giveUpAfterMs milliseconds until it is killed
   * @throws FAILURE when it does not get ready
   */
  begin(setup: AgentSetup, giveUpAfterMs: number): Promise<AgentStart>;
  /** Ends it. For one that was started ahead of need, and is not needed. */
  cancel(): void;
}

/**
 * Starts a process of this program in a session of its own, with nothing of ours: not the terminal, not the working
 * directory, not the environment. It waits for the passphrase.
 * @param program this program's script, and what makes it the agent
 */
export function spawnAgent(program: readonly string[]): AgentProcess {
  const command = [process.execPath, ...SMALL_HEAP, ...program];
  const child = spawn('/bin/sh', [...WITHOUT_CORE, ...command], {
    cwd: '/',
    env: SMALL_MEMORY,
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = '';
  let failure: unknown;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error;
      resolve();
    });
    child.stdout.once('close', resolve);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  // It may end before it has read everything; what it printed, or did not print, tells enough.
  child.stdin.on('error', () => undefined);
  const cancel = (): void => {
    child.kill('SIGKILL');
    child.stdin.destroy();
    child.stdout.destroy();
    child.unref();
  };
  return {
    cancel,
    begin: async (setup, giveUpAfterMs) => {
      child.stdin.end(formatSetup(setup));
      const timer = setTimeout(cancel, giveUpAfterMs);
      await ended;
      clearTimeout(timer);
      const start = parseStart(output);
      if (start?.type !== 'status') {
        cancel();
      }
      child.unref();
      if (start === undefined) {
        throw failure === undefined
          ? new MesaAuthError('FAILURE', 'the unlock agent did not start', {
              hint: 'set MESA_VAULT_PASSPHRASE instead, or try again',
            })
          : ioError('run', '/bin/sh', failure);
      }
      return start;
    },
  };
}
