/** A TOML value. Tables are maps: an object would make `__proto__` and `constructor` mean something. */
export type TomlValue = string | number | boolean | Date | TomlLiteral | TomlTable | readonly TomlValue[];
export type TomlTable = ReadonlyMap<string, TomlValue>;

/**
 * A number, date or time in the words of its document, of which a JavaScript value would not say all: `1.0`,
 * `9223372036854775807`, nanoseconds, a zone, a date without one. It is written as it was read.
 */
export class TomlLiteral {
  readonly text: string;
  /** What a date or date-time names, taken as UTC where it has no offset; undefined for anything else. */
  readonly moment: Date | undefined;

  /** @param text one TOML scalar, without quotes or line breaks */
  constructor(text: string, moment?: Date) {
    this.text = text;
    this.moment = moment;
  }
}

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return value instanceof Map;
}

/** A copy without some of its fields. */
export function tableWithout(table: TomlTable, names: ReadonlySet<string>): TomlTable {
  return new Map([...table].filter(([name]) => !names.has(name)));
}

/** The moment that a value names; undefined for what is no date. A date without an offset is taken as UTC. */
export function asMoment(value: TomlValue | undefined): Date | undefined {
  return value instanceof TomlLiteral ? value.moment : value instanceof Date ? value : undefined;
}

/** The moment at a name, from 1970 on; undefined when there is none, or something else. */
export function momentAt(table: TomlTable, name: string): Date | undefined {
  const moment = asMoment(table.get(name));
  return moment !== undefined && moment.getTime() >= 0 ? new Date(moment) : undefined;
}

/** Whether two tables hold the same names with the same values, in whatever order. */
export function sameTable(a: TomlTable, b: TomlTable): boolean {
  return a.size === b.size && [...a].every(([name, value]) => sameValue(value, b.get(name)));
}

function sameValue(a: TomlValue, b: TomlValue | undefined): boolean {
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  }
  if (a instanceof TomlLiteral || b instanceof TomlLiteral) {
    return a instanceof TomlLiteral && b instanceof TomlLiteral && a.text === b.text;
  }
  if (isTable(a)) {
    return isTable(b) && sameTable(a, b);
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((value, at) => sameValue(value, b[at]));
  }
  return Object.is(a, b);
}
