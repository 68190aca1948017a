import { type Logger, pino } from 'pino';

/** A write for each line would be a tenth of a request. */
const BATCH_BYTES = 64 * 1_024;
const FLUSH_MS = 100;
const MAX_WRITE_BYTES = 2 * BATCH_BYTES;
/** When nobody reads: lines are dropped before the memory is gone. */
const MAX_WAITING_BYTES = 16 * 1_024 * 1_024;

/**
 * Writes lines of JSON to standard output, in batches; a line is there after a tenth of a second, and all of them when
 * the process ends in any way but a kill.
 */
export function createLogger(level: 'info' | 'error'): Logger {
  const destination = pino.destination({
    fd: process.stdout.fd,
    sync: false,
    minLength: BATCH_BYTES,
    maxWrite: MAX_WRITE_BYTES,
    periodicFlush: FLUSH_MS,
    maxLength: MAX_WAITING_BYTES,
  });
  // A full disk must not end the server.
  destination.on('error', () => {});
  return pino({ level, base: null }, destination);
}
