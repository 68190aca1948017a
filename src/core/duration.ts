const UNITS = [
  { letter: 'w', name: 'week', milliseconds: 7 * 24 * 60 * 60 * 1_000 },
  { letter: 'd', name: 'day', milliseconds: 24 * 60 * 60 * 1_000 },
  { letter: 'h', name: 'hour', milliseconds: 60 * 60 * 1_000 },
  { letter: 'm', name: 'minute', milliseconds: 60 * 1_000 },
  { letter: 's', name: 'second', milliseconds: 1_000 },
] as const;
const DURATION = /^(?=[0-9])(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;

/**
 * Reads a length of time as people type it: `15m`, `1h30m`, `7d`; units w, d, h, m, s, each at most once, largest first.
 * @returns milliseconds, or undefined when `text` is none
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) {
    return undefined;
  }
  return UNITS.reduce(
    (sum, { milliseconds }, index) => sum + Number(match[index + 1] ?? 0) * milliseconds,
    0,
  );
}

/**
 * A length of time for people, in its two largest units, rounded down: `14 minutes 59 seconds`, `1 day`.
 * @param milliseconds not negative
 */
export function describeDuration(milliseconds: number): string {
  let rest = Math.floor(milliseconds / 1_000) * 1_000;
  const parts: string[] = [];
  for (const { name, milliseconds: unit } of UNITS.slice(1)) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) {
      parts.push(`${count} ${name}${count === 1 ? '' : 's'}`);
    } else if (parts.length > 0) {
      break;
    }
    if (parts.length === 2) {
      break;
    }
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}
