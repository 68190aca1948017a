import { isWritableMoment } from '../core/moment.ts';
import { MesaAuthError } from '../errors.ts';

/**
 * The time of this machine's clock.
 * @throws FAILURE outside the years 1 to 9999: a date like that can be stored nowhere
 */
export function wallClock(): Date {
  const now = new Date();
  if (!isWritableMoment(now)) {
    throw new MesaAuthError(
      'FAILURE',
      `the clock of this machine is in the year ${now.getUTCFullYear()}; nothing is done with such a date`,
      { hint: 'set the clock, then run the command again' },
    );
  }
  return now;
}
