import { type Logger, pino } from 'pino';

import { LOG_DELAY_MS, LogDestination } from './log-destination.ts';

/**
 * Writes lines of JSON to standard output; a line is there after a tenth of a second. See LogDestination.
 * @param onLost see LogDestination
 */
export function createLogger(level: 'info' | 'error', onLost: (code: string) => void): Logger {
  return pino({ level, base: null }, new LogDestination(process.stdout.fd, LOG_DELAY_MS, onLost));
}
