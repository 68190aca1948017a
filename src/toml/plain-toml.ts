import type { TomlTable, TomlValue } from './table.ts';

type MutableTable = Map<string, TomlValue>;

// oxlint-disable-next-line no-control-regex -- TOML forbids control characters in comments
const BLANK_OR_COMMENT = /^[ \t]*(?:#[^\u0000-\u0008\u000b-\u001f\u007f]*)?$/;
const HEADER = /^\[((?:[A-Za-z0-9_-]+|"[A-Za-z0-9_./-]+")(?:\.(?:[A-Za-z0-9_-]+|"[A-Za-z0-9_./-]+"))*)\]$/;
const HEADER_PART = /"[^"]+"|[^.]+/g;
const STRING = /^([A-Za-z0-9_-]+) = "((?:[ !#-[\]-~]|\\["\\])*)"$/;
const UTC_DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
const OTHER = /^([A-Za-z0-9_-]+) = (?:(true|false)|(0|[1-9][0-9]{0,14})|([0-9T:.-]+Z))$/;

/** The longest key with every character escaped, and its name. On longer lines a pattern may run out of stack. */
const MAX_LINE = 40_000;

/**
 * Reads the plain part of TOML that `mesa` itself writes: one header or one `name = value` a line, strings without
 * escapes other than `\"` and `\\`, booleans, small integers and UTC date-times with milliseconds.
 *
 * The full parser costs more than the rest of a look-up, so this runs first. It never guesses: whatever it does not
 * know, duplicates included, gives undefined, and the full parser decides. What it does accept it must read as the
 * full parser does (there is a property test).
 */
export function parsePlainToml(text: string): TomlTable | undefined {
  const root: MutableTable = new Map();
  const defined = new Set<MutableTable>([root]);
  let table = root;
  const lines = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  for (const line of lines.split('\n')) {
    if (line === '') {
      continue;
    }
    if (line.length > MAX_LINE) {
      return undefined;
    }
    const first = line.charCodeAt(0);
    if (first === 0x5b /* [ */) {
      const inner = line.slice(1, -1);
      const header = line.endsWith(']') && isBareKey(inner) ? inner : HEADER.exec(line)?.[1];
      const opened = header === undefined ? undefined : openTable(root, header);
      if (opened === undefined || defined.has(opened)) {
        return undefined;
      }
      defined.add(opened);
      table = opened;
      continue;
    }
    if (first === 0x23 /* # */ || first === 0x20 || first === 0x09) {
      if (!BLANK_OR_COMMENT.test(line)) {
        return undefined;
      }
      continue;
    }
    if (!readPair(line, table)) {
      return undefined;
    }
  }
  return root;
}

/** Most lines are read without a pattern: compiling one costs more than reading them. */
function readPair(line: string, table: MutableTable): boolean {
  const equals = line.indexOf(' = "');
  const key = line.slice(0, Math.max(equals, 0));
  const value = line.slice(equals + ' = "'.length, -1);
  if (isBareKey(key) && line.length > equals + ' = "'.length && line.endsWith('"') && isBareText(value)) {
    return define(table, key, value);
  }
  const string = STRING.exec(line);
  if (string !== null) {
    const [, name = '', body = ''] = string;
    return define(table, name, unescapeString(body));
  }
  const other = OTHER.exec(line);
  if (other === null) {
    return false;
  }
  const [, name = '', boolean, integer, dateTime] = other;
  if (boolean !== undefined) {
    return define(table, name, boolean === 'true');
  }
  if (integer !== undefined) {
    return define(table, name, Number(integer));
  }
  const date = parseUtcDate(dateTime ?? '');
  return date !== undefined && define(table, name, date);
}

/** The inside of a basic string whose only escapes are `\\"` and `\\\\`. */
export function unescapeString(body: string): string {
  return body.includes('\\') ? body.replace(/\\(["\\])/g, '$1') : body;
}

/** A date-time as `2026-11-21T10:00:00.000Z`, or undefined when there is no such moment. */
export function parseUtcDate(text: string): Date | undefined {
  const date = UTC_DATE.test(text) ? new Date(text) : undefined;
  // February 30 would otherwise become March 2.
  return date?.getUTCDate() === Number(text.slice(8, 10)) ? date : undefined;
}

/** One or more of `A-Za-z0-9_-` (TOML 1.0, "Keys"). */
function isBareKey(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isLetter = code >= 0x61 ? code <= 0x7a : code >= 0x41 && code <= 0x5a;
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isLetter && !isDigit && code !== 0x2d /* - */ && code !== 0x5f /* _ */) {
      return false;
    }
  }
  return text !== '';
}

/** Printable ASCII without a quote or backslash. */
function isBareText(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) {
      return false;
    }
  }
  return true;
}

function define(table: MutableTable, name: string, value: TomlValue): boolean {
  if (table.has(name)) {
    return false;
  }
  table.set(name, value);
  return true;
}

function openTable(root: MutableTable, header: string): MutableTable | undefined {
  let table = root;
  for (const part of header.match(HEADER_PART) ?? []) {
    const name = part.startsWith('"') ? part.slice(1, -1) : part;
    let next = table.get(name);
    if (next === undefined) {
      next = new Map();
      table.set(name, next);
    }
    if (!(next instanceof Map)) {
      return undefined;
    }
    table = next as MutableTable;
  }
  return table;
}
