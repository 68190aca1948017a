import type { WriteStream } from 'node:tty';

import { hasNodeFlag } from '../core/node-flags.ts';
import { MesaAuthError } from '../errors.ts';

/** With less, a large store may take all of the heap. In bytes. */
const AMPLE_HEAP = 1024 ** 3;

type StandardError = WriteStream & { readonly fd: 2 };

let replaced: PropertyDescriptor | undefined;

/**
 * Keeps Node's own diagnostics from showing memory, which holds keys, whatever the environment asks of Node. What the
 * environment says stays in it, for the programs that we run.
 * @throws CONFIG_INVALID for one that cannot be turned off
 */
export function silenceNode(): void {
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ');
  if (flags !== '') {
    turnOffFlags(flags);
  }
  // The inspector does not open on it. After what a flag may have set for this very signal.
  process.on('SIGUSR1', () => undefined);
  if (process.env['NODE_DEBUG'] !== undefined) {
    dropDebugLines();
  }
}

function turnOffFlags(flags: string): void {
  // Reports are off unless a flag asks for them, and looking at the settings costs a module.
  if (hasNodeFlag('--report', flags)) {
    process.report.reportOnFatalError = false;
    process.report.reportOnUncaughtException = false;
    process.report.reportOnSignal = false;
  }
  if (hasNodeFlag('--inspect', flags)) {
    process.getBuiltinModule('node:inspector').close();
  }
  if (hasNodeFlag('--heapsnapshot-signal', flags)) {
    // Nothing of ours listens yet.
    for (const name of process.eventNames()) {
      if (String(name).startsWith('SIG')) {
        process.removeAllListeners(name);
      }
    }
  }
  if (hasNodeFlag('--heapsnapshot-near-heap-limit', flags)) {
    assertAmpleHeap();
  }
}

/** The snapshot cannot be called off. But it comes with a heap that is full, and none of ours needs as much as is usual. */
function assertAmpleHeap(): void {
  const { heap_size_limit: limit } = process.getBuiltinModule('node:v8').getHeapStatistics();
  if (limit < AMPLE_HEAP) {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      'Node would write its memory, with the keys in it, to a file when that runs out: --heapsnapshot-near-heap-limit with less than 1 GiB',
      { hint: 'unset NODE_OPTIONS' },
    );
  }
}

/**
 * NODE_DEBUG prints environments of children, and pieces of what is read and sent. Node has read it before our first line,
 * and writes through `process.stderr`, whoever that is by then; we ourselves do not.
 */
function dropDebugLines(): void {
  const { Writable } = process.getBuiltinModule('node:stream');
  const nobody = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  replaced = Object.getOwnPropertyDescriptor(process, 'stderr');
  Object.defineProperty(process, 'stderr', { configurable: true, enumerable: true, value: nobody });
}

/** What `process.stderr` is without us. */
export function standardError(): StandardError {
  return replaced === undefined ? process.stderr : (replaced.get?.call(process) as StandardError);
}
