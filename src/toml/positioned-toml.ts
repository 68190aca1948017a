import { ParseError, parseTOML, type AST } from 'toml-eslint-parser';

import { keyPath, readTable } from './ast-table.ts';
import { TomlSyntaxError } from './syntax-error.ts';
import { isTable, type TomlTable } from './table.ts';

const BYTE_ORDER_MARK = '\ufeff';

/**
 * TOML with the position of everything in it: for messages that name a line, and for edits that leave every other
 * byte as it is. It takes all of TOML 1.0, which matters for a config.toml that other programs share.
 */
export interface PositionedToml {
  readonly table: TomlTable;
  /** Line of the value at a path such as ['secrets', 'backend'], from 1; undefined where there is none. */
  lineOf(path: readonly string[]): number | undefined;
}

/** @throws TomlSyntaxError */
export function parsePositionedToml(text: string): PositionedToml {
  const { program, table } = load(text);
  return {
    table,
    lineOf: (path) => findPair(program, path)?.value.loc.start.line,
  };
}

/**
 * Sets one string in a table of the document. Comments, order, blank lines, a byte order mark and everything else
 * stay byte for byte.
 * @throws TomlSyntaxError when `text` is no TOML; TypeError when the place is taken by something that is no table
 */
export function setTomlString(text: string, table: string, name: string, value: string): string {
  if (text.startsWith(BYTE_ORDER_MARK)) {
    return BYTE_ORDER_MARK + setTomlString(text.slice(BYTE_ORDER_MARK.length), table, name, value);
  }
  const { program, table: root } = load(text);
  const present = root.get(table);
  if (present !== undefined && (!isTable(present) || isTable(present.get(name)))) {
    throw new TypeError(`${table}.${name} is no place for a string`);
  }
  // However it is quoted.
  if (present?.get(name) === value) {
    return text;
  }
  const edited = edit(text, program, table, name, `"${value}"`);
  const holder = load(edited).table.get(table);
  if (!isTable(holder) || holder.get(name) !== value) {
    throw new TypeError(`${table}.${name} was not set`);
  }
  return edited;
}

/**
 * Takes one value out of the document, with the line that it stands on, its comment included. Every other byte stays.
 * @returns the same text when there is no such value
 * @throws TomlSyntaxError when `text` is no TOML
 */
export function removeTomlValue(text: string, path: readonly string[]): string {
  if (text.startsWith(BYTE_ORDER_MARK)) {
    return BYTE_ORDER_MARK + removeTomlValue(text.slice(BYTE_ORDER_MARK.length), path);
  }
  const pair = findPair(load(text).program, path);
  if (pair === undefined) {
    return text;
  }
  const [start, end] =
    pair.parent.type === 'TOMLInlineTable' ? inlineRange(pair, pair.parent) : lineRange(pair, text);
  return text.slice(0, start) + text.slice(end);
}

/** A pair and one of the commas around it. */
function inlineRange(pair: AST.TOMLKeyValue, { body }: AST.TOMLInlineTable): readonly [number, number] {
  const index = body.indexOf(pair);
  const before = body[index - 1];
  const after = body[index + 1];
  return [
    before?.range[1] ?? pair.range[0],
    before === undefined ? (after?.range[0] ?? pair.range[1]) : pair.range[1],
  ];
}

function lineRange({ range }: AST.TOMLKeyValue, text: string): readonly [number, number] {
  const next = text.indexOf('\n', range[1]);
  return [text.lastIndexOf('\n', range[0]) + 1, next === -1 ? text.length : next + 1];
}

function load(text: string): { program: AST.TOMLProgram; table: TomlTable } {
  const program = parseProgram(text);
  return { program, table: orSyntaxError(text, () => readTable(program, text)) };
}

/** For what else is to be known of a document than its values. @throws TomlSyntaxError */
export function parseProgram(text: string): AST.TOMLProgram {
  // The parser does not see a lone 0 at the very end.
  return orSyntaxError(text, () =>
    parseTOML(text.endsWith('0') ? `${text}\n` : text, { tomlVersion: '1.0' }),
  );
}

function orSyntaxError<T>(text: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ParseError) {
      throw positionOf(error, text);
    }
    // Nested more deeply than the stack is; that has no one place.
    throw error instanceof RangeError ? new TomlSyntaxError(1, 1) : error;
  }
}

// The parser looks for the rest of a pair or header on the lines below, and reports what it finds there.
const UNFINISHED_LINE = /must be on the same line|Expected equal/;

function positionOf(error: ParseError, text: string): TomlSyntaxError {
  const before = text.slice(0, error.index);
  if (UNFINISHED_LINE.test(error.message) && /\n\s*$/.test(before)) {
    const lines = before.trimEnd().split('\n');
    return new TomlSyntaxError(lines.length, (lines.at(-1)?.length ?? 0) + 1);
  }
  return new TomlSyntaxError(error.lineNumber, error.column + 1);
}

function edit(text: string, program: AST.TOMLProgram, table: string, name: string, literal: string): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const insert = (at: number, what: string): string => text.slice(0, at) + what + text.slice(at);
  const pair = findPair(program, [table, name]);
  if (pair !== undefined) {
    const [start, end] = pair.value.range;
    return text.slice(0, start) + literal + text.slice(end);
  }
  const body = program.body[0].body;
  const header = body.find((node) => node.type === 'TOMLTable' && pathIs(node.resolvedKey, [table]));
  if (header !== undefined) {
    const lineEnd = text.indexOf('\n', header.key.range[1]);
    return lineEnd === -1
      ? `${text}${newline}${name} = ${literal}${newline}`
      : insert(lineEnd + 1, `${name} = ${literal}${newline}`);
  }
  const holder = findPair(program, [table]);
  if (holder?.value.type === 'TOMLInlineTable') {
    const separator = holder.value.body.length > 0 ? ',' : '';
    return insert(holder.value.range[0] + 1, ` ${name} = ${literal}${separator}`);
  }
  // `secrets.unlock-timeout = ...`: a header of the same name would define the table twice.
  const dotted = body.find((node) => node.type === 'TOMLKeyValue' && keyPath(node.key)[0] === table);
  if (dotted !== undefined) {
    return insert(dotted.range[0], `${table}.${name} = ${literal}${newline}`);
  }
  const gap = text === '' ? '' : text.endsWith('\n') ? newline : newline + newline;
  return `${text}${gap}[${table}]${newline}${name} = ${literal}${newline}`;
}

function findPair(program: AST.TOMLProgram, path: readonly string[]): AST.TOMLKeyValue | undefined {
  const search = (
    nodes: readonly (AST.TOMLKeyValue | AST.TOMLTable)[],
    prefix: readonly (string | number)[],
  ): AST.TOMLKeyValue | undefined => {
    for (const node of nodes) {
      if (node.type === 'TOMLTable') {
        const found = search(node.body, node.resolvedKey);
        if (found !== undefined) {
          return found;
        }
        continue;
      }
      const here = [...prefix, ...keyPath(node.key)];
      if (pathIs(here, path)) {
        return node;
      }
      const inner = node.value.type === 'TOMLInlineTable' ? search(node.value.body, here) : undefined;
      if (inner !== undefined) {
        return inner;
      }
    }
    return undefined;
  };
  return search(program.body[0].body, []);
}

function pathIs(path: readonly (string | number)[], wanted: readonly string[]): boolean {
  return path.length === wanted.length && path.every((part, index) => part === wanted[index]);
}
