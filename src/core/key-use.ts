/** One line of the log: a key that was used, or was to be. Its texts come from a file, and are of foreign origin. */
export interface KeyUse {
  readonly time: Date;
  /** What used it: a command of mesa, as `get-key`; `resolveKey` of the library. */
  readonly action: string;
  /** What it was for, as `orgs/acme/repos/web`. */
  readonly scope: string;
  /** Where it was found, as `orgs/acme` or `MESA_API_KEY`; undefined when there was none. */
  readonly source: string | undefined;
  /** `used`, or the code of the error. */
  readonly outcome: string;
  /** The program that asked; undefined where that is not known. */
  readonly program: string | undefined;
  readonly pid: number | undefined;
}

export interface KeyUses {
  readonly uses: readonly KeyUse[];
  /** How many lines make no sense. */
  readonly damaged: number;
}

// How every line begins. Inside of a text it would have a backslash before its quotes.
const START = '{"time":';
// ECMAScript, "Time Values and Time Range".
const LATEST = 8_640_000_000_000_000;

/** Reads a log. A line that was cut short, as by a full disk, does not spoil the next one. */
export function parseKeyUses(text: string): KeyUses {
  const uses: KeyUse[] = [];
  let damaged = 0;
  for (const line of text.split('\n')) {
    const start = line.lastIndexOf(START);
    const use = start === -1 ? undefined : parseKeyUse(line.slice(start));
    if (use !== undefined) {
      uses.push(use);
    }
    if (line !== '' && (use === undefined || start > 0)) {
      damaged += 1;
    }
  }
  return { uses, damaged };
}

function parseKeyUse(line: string): KeyUse | undefined {
  const fields = parseObject(line);
  const text = (name: string): string | undefined => {
    const value = fields?.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string): number | undefined => {
    const value = fields?.get(name);
    return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
  };
  const [time, action, scope, outcome] = [number('time'), text('action'), text('scope'), text('outcome')];
  const isMoment = time !== undefined && Math.abs(time) <= LATEST;
  return !isMoment || action === undefined || scope === undefined || outcome === undefined
    ? undefined
    : {
        time: new Date(time),
        action,
        scope,
        source: text('source'),
        outcome,
        program: text('program'),
        pid: number('pid'),
      };
}

/** A map: a name may be `__proto__`. */
function parseObject(line: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}
