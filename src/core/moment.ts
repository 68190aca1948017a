const FIRST = Date.parse('0001-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** The moment so many milliseconds after another one, within the years that can be written. */
export function momentAfter(moment: Date, milliseconds: number): Date {
  return new Date(Math.min(moment.getTime() + milliseconds, LAST));
}

/**
 * Whether a moment lies, in UTC, in the years 1 to 9999: those that TOML and RFC 3339 can write (four digits, "date-fullyear").
 * Outside of them `toISOString` gives a form that no document may hold.
 */
export function isWritableMoment(moment: Date): boolean {
  const time = moment.getTime();
  return time >= FIRST && time <= LAST;
}
