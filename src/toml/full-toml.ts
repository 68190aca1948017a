import TOML from '@iarna/toml';

import { TomlSyntaxError } from './syntax-error.ts';
import { plainValue, tableFromObject, type TomlTable, type TomlValue } from './table.ts';

/** @throws TomlSyntaxError */
export function parseToml(text: string): TomlTable {
  try {
    return tableFromObject(TOML.parse(text));
  } catch (error) {
    // The library counts from 0 here, and from 1 in its message.
    const { line = 0, col = 0 } = error as { line?: number; col?: number };
    throw new TomlSyntaxError(line + 1, col + 1);
  }
}

/** `name = value` on one line, tables inline: independent of where in a document it stands. */
export function formatPair(name: string, value: TomlValue): string {
  const key = /^[A-Za-z0-9_-]+$/.test(name) ? name : TOML.stringify.value(name);
  return `${key} = ${formatValue(value)}`;
}

function formatValue(value: TomlValue): string {
  return TOML.stringify.value(plainValue(value) as Parameters<typeof TOML.stringify.value>[0]);
}
