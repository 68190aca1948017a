import { isWritableMoment } from '../core/moment.ts';

// Behind texts and comments, in which anything may stand: what `toISOString` and TOML parsers make of years that do not
// have four digits, and a time in a field that is one of ours.
const STRANGE_TIMES =
  /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#.*|(?<future>\+\d{6}-\d\d-\d\dT[\d:.]+Z)|(?<past>-\d{6}-\d\d-\d\dT[\d:.]+Z)|(?<![\d-])(?<short>\d{1,3})(?=-\d\d-\d\d)|(?<=^\s*(?:added|expires|until)\s*=\s*)(?<own>\d{4}-\d\d-\d\d[Tt ][\d:.]+(?:[Zz]|[+-]\d\d:\d\d))/gm;

const FIRST = '0001-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';

/**
 * Puts what TOML can write in the place of times that it cannot: the first or the last moment of the years 1 to 9999. Older
 * versions wrote such times when a server, a clock or a zone led out of those years, and nobody could read the store then.
 * @returns the same text when there is none
 */
export function mendTimes(text: string): string {
  return text.replace(STRANGE_TIMES, (match, ...rest) => {
    const { future, past, short, own } = rest.at(-1) as Record<string, string | undefined>;
    if (future !== undefined) {
      return LAST;
    }
    if (past !== undefined) {
      return FIRST;
    }
    if (short !== undefined) {
      return match.padStart(4, '0');
    }
    const moment = own === undefined ? undefined : new Date(own.replace(' ', 'T').toUpperCase());
    return moment === undefined || Number.isNaN(moment.getTime()) || isWritableMoment(moment)
      ? match
      : moment.getTime() < 0
        ? FIRST
        : LAST;
  });
}
