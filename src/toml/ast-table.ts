import type { AST } from 'toml-eslint-parser';

import { assertDepth } from './table-from-object.ts';
import { TomlLiteral, type TomlTable, type TomlValue } from './table.ts';

type MutableTable = Map<string, TomlValue>;

/**
 * The values, at every depth. Not the parser's own conversion: that builds plain objects, so that a table of the name
 * `__proto__` or `constructor` would write into the prototype of every object there is.
 * @param text what the program was parsed from
 * @throws RangeError for what is nested too deeply
 */
export function readTable(program: AST.TOMLProgram, text: string): TomlTable {
  const root: MutableTable = new Map();
  for (const node of program.body[0].body) {
    if (node.type === 'TOMLTable') {
      const table = openTable(root, keyPath(node.key), node.kind === 'array');
      node.body.forEach((pair) => definePair(table, pair, text, 0));
    } else {
      definePair(root, node, text, 0);
    }
  }
  return root;
}

function definePair(
  table: MutableTable,
  { key, value }: AST.TOMLKeyValue,
  text: string,
  depth: number,
): void {
  const path = keyPath(key);
  const inner = depth + path.length;
  openTable(table, path.slice(0, -1), false).set(path.at(-1) ?? '', readValue(value, text, inner));
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

function readValue(node: AST.TOMLContentNode, text: string, depth: number): TomlValue {
  assertDepth(depth);
  switch (node.type) {
    case 'TOMLValue':
      return readScalar(node, text);
    case 'TOMLArray':
      return node.elements.map((element) => readValue(element, text, depth + 1));
    case 'TOMLInlineTable': {
      const table: MutableTable = new Map();
      node.body.forEach((pair) => definePair(table, pair, text, depth));
      return table;
    }
  }
}

function readScalar(node: AST.TOMLValue, text: string): TomlValue {
  // Its words; what the parser says of them leaves out zeros and underscores.
  const words = text.slice(...node.range);
  switch (node.kind) {
    case 'string':
    case 'boolean':
      return node.value;
    case 'integer':
    case 'float':
      return String(node.value) === words ? node.value : new TomlLiteral(words);
    case 'local-time':
      return new TomlLiteral(words);
    case 'local-date':
    case 'local-date-time':
      return new TomlLiteral(words, node.value);
    case 'offset-date-time':
      return node.value.toISOString() === words ? node.value : new TomlLiteral(words, node.value);
  }
}

export function keyPath(key: AST.TOMLKey): readonly string[] {
  return key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
}
