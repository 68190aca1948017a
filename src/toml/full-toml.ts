import TOML from '@iarna/toml';

import { tableFromObject } from './table-from-object.ts';
import { parseUtcDate } from './plain-toml.ts';
import { isTable, TomlLiteral, type TomlTable, type TomlValue } from './table.ts';

// The library's tables are plain objects: a table of the name `constructor` would be written into Object itself, and
// `constructor.prototype` into every object there is. An escape may hide such a name.
const INHERITED_NAME = new RegExp(['\\\\u', ...Object.getOwnPropertyNames(Object.prototype)].join('|'), 'i');

// A line whose value, where there is one, the library reads as it is written: a string, true or false, an integer that a
// number holds, a UTC date-time (looked at more closely). A line inside of a text or list may look like anything else.
const PLAINLY_TYPED =
  /^(?:\s*(?:#.*)?|\s*\[.*\]\s*(?:#.*)?|(?:[A-Za-z0-9_.\s-]|"[^"=\\]*")+=\s*(?:["'].*|(?:true|false|-?[1-9][0-9]{0,14}|0|([0-9T:.-]+Z))\s*(?:#.*)?))$/;
/** On longer lines a pattern may run out of stack. */
const MAX_LINE = 40_000;

/**
 * Reads any TOML 1.0. @iarna/toml reads strings and plain scalars only: of other numbers, dates and times it does not
 * tell how they were written, and it changes some (a fraction below a millisecond, an integer beyond 64 bits, February
 * 30). Those, and what it refuses, go to the other parser, which keeps their text and knows the place of a mistake.
 * @throws TomlSyntaxError
 */
export async function parseToml(text: string): Promise<TomlTable> {
  if (!INHERITED_NAME.test(text) && text.split('\n').every(isPlainlyTyped)) {
    try {
      return tableFromObject(TOML.parse(text));
    } catch {
      // Not its message either: that quotes the line.
    }
  }
  const { parsePositionedToml } = await import('./positioned-toml.ts');
  return parsePositionedToml(text).table;
}

/**
 * `name = value` on one line, tables inline: independent of where in a document it stands.
 *
 * Not the library's: that writes small floats and strings with two control characters so that no parser reads them.
 */
export function formatPair(name: string, value: TomlValue): string {
  const key = /^[A-Za-z0-9_-]+$/.test(name) ? name : formatString(name);
  return `${key} = ${formatValue(value)}`;
}

function formatValue(value: TomlValue): string {
  if (typeof value === 'string') {
    return formatString(value);
  }
  if (typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (value instanceof TomlLiteral) {
    return value.text;
  }
  if (isTable(value)) {
    return `{ ${Array.from(value, ([name, inner]) => formatPair(name, inner)).join(', ')} }`;
  }
  return `[${value.map(formatValue).join(', ')}]`;
}

/** A basic string (TOML 1.0, "String"). */
function formatString(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replace(
    // oxlint-disable-next-line no-control-regex -- control characters are what must be escaped
    /[\u0000-\u001f\u007f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

function isPlainlyTyped(line: string): boolean {
  const match = line.length > MAX_LINE ? null : PLAINLY_TYPED.exec(line);
  const date = match?.[1];
  return match !== null && (date === undefined || parseUtcDate(date) !== undefined);
}
