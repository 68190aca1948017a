import type { TomlTable, TomlValue } from './table.ts';

/** Deeper than anybody's, and far from the end of the stack for whatever walks a value. */
const MAX_DEPTH = 100;

/** Nothing nested more than a hundred levels is read. @throws RangeError, as the end of the stack does */
export function assertDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new RangeError('nested too deeply');
  }
}

/** Converts a parser's plain objects to tables, at every depth. @throws RangeError */
export function tableFromObject(object: object, depth = 0): TomlTable {
  assertDepth(depth);
  return new Map(Object.entries(object).map(([name, value]) => [name, valueFrom(value, depth + 1)]));
}

function valueFrom(value: unknown, depth: number): TomlValue {
  if (Array.isArray(value)) {
    assertDepth(depth);
    return value.map((element) => valueFrom(element, depth + 1));
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return tableFromObject(value, depth);
  }
  return value as TomlValue;
}
