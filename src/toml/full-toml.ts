import TOML from '@iarna/toml';

import { tableFromObject } from './table-from-object.ts';
import { isTable, type TomlTable, type TomlValue } from './table.ts';

// The library's tables are plain objects: a table of the name `constructor` would be written into Object itself, and
// `constructor.prototype` into every object there is. An escape may hide such a name.
const INHERITED_NAME = new RegExp(['\\\\u', ...Object.getOwnPropertyNames(Object.prototype)].join('|'), 'i');

/**
 * Reads any TOML 1.0. What @iarna/toml refuses goes to the other parser: some of it is valid (times without seconds'
 * fractions, lower-case date-times, a comment before CRLF), and of the rest that one knows the place.
 * @throws TomlSyntaxError
 */
export async function parseToml(text: string): Promise<TomlTable> {
  if (!INHERITED_NAME.test(text)) {
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
  if (typeof value === 'number') {
    return formatNumber(value);
  }
  if (typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value);
  }
  if (value instanceof Date) {
    // Local dates and times override this with their own form.
    return value.toISOString();
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

function formatNumber(value: number): string {
  if (Number.isNaN(value)) {
    return 'nan';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? 'inf' : '-inf';
  }
  if (Object.is(value, -0)) {
    return '-0.0';
  }
  // Digits alone would be an integer, which has no room for a large float.
  const isLargeFloat = Number.isInteger(value) && !Number.isSafeInteger(value);
  return isLargeFloat ? value.toExponential() : String(value);
}
