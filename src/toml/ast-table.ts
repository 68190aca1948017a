import type { AST } from 'toml-eslint-parser';

import { assertDepth } from './table-from-object.ts';
import type { TomlTable, TomlValue } from './table.ts';

type MutableTable = Map<string, TomlValue>;

/**
 * The values, at every depth. Not the parser's own conversion: that builds plain objects, so that a table of the name
 * `__proto__` or `constructor` would write into the prototype of every object there is.
 * @throws RangeError for what is nested too deeply
 */
export function readTable(program: AST.TOMLProgram): TomlTable {
  const root: MutableTable = new Map();
  for (const node of program.body[0].body) {
    if (node.type === 'TOMLTable') {
      const table = openTable(root, keyPath(node.key), node.kind === 'array');
      node.body.forEach((pair) => definePair(table, pair, 0));
    } else {
      definePair(root, node, 0);
    }
  }
  return root;
}

function definePair(table: MutableTable, { key, value }: AST.TOMLKeyValue, depth: number): void {
  const path = keyPath(key);
  const inner = depth + path.length;
  openTable(table, path.slice(0, -1), false).set(path.at(-1) ?? '', readValue(value, inner));
}

/** The table at a path, made where it is missing; for an array of tables a new one at its end. */
function openTable(root: MutableTable, path: readonly string[], isNewElement: boolean): MutableTable {
  assertDepth(path.length);
  let table = root;
  path.forEach((name, index) => {
    const present = table.get(name);
    const elements = Array.isArray(present) ? (present as MutableTable[]) : undefined;
    let next = elements === undefined ? (present as MutableTable | undefined) : elements.at(-1);
    if (isNewElement && index === path.length - 1) {
      next = new Map();
      table.set(name, [...(elements ?? []), next]);
    } else if (next === undefined) {
      next = new Map();
      table.set(name, next);
    }
    table = next;
  });
  return table;
}

function readValue(node: AST.TOMLContentNode, depth: number): TomlValue {
  assertDepth(depth);
  switch (node.type) {
    case 'TOMLValue':
      return readScalar(node);
    case 'TOMLArray':
      return node.elements.map((element) => readValue(element, depth + 1));
    case 'TOMLInlineTable': {
      const table: MutableTable = new Map();
      node.body.forEach((pair) => definePair(table, pair, depth));
      return table;
    }
  }
}

function readScalar(node: AST.TOMLValue): TomlValue {
  switch (node.kind) {
    case 'integer':
      return Number.isSafeInteger(node.value) ? node.value : node.bigint;
    case 'local-date-time':
    case 'local-date':
    case 'local-time':
      return new LocalDate(node.value, node.datetime);
    case 'string':
    case 'float':
    case 'boolean':
    case 'offset-date-time':
      return node.value;
  }
}

/** A date or time without offset: no moment, so it is written as it was read. The other parser's do the same. */
class LocalDate extends Date {
  readonly #text: string;

  constructor(value: Date, text: string) {
    super(value);
    this.#text = text;
  }

  override toISOString(): string {
    return this.#text;
  }
}

export function keyPath(key: AST.TOMLKey): readonly string[] {
  return key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
}
