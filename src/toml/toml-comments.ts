import type { AST } from 'toml-eslint-parser';

import { keyPath } from './ast-table.ts';
import { parseProgram } from './positioned-toml.ts';

/** A comment, and the table header or pair that it is about. */
export interface TomlComment {
  /** With its `#`. */
  readonly words: string;
  /** Of the header or pair, from the root; undefined behind the last one of the document. */
  readonly about: readonly string[] | undefined;
  /** Behind it on its line; otherwise above it, or inside of its value. */
  readonly isBehind: boolean;
  /** Whether it stands above everything. */
  readonly isAtTop: boolean;
}

interface Anchor {
  readonly path: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly lastLine: number;
}

/** The comments of a document, in its order. @throws TomlSyntaxError */
export function readComments(text: string): readonly TomlComment[] {
  const program = parseProgram(text);
  if (program.comments.length === 0) {
    return [];
  }
  const anchors = anchorsOf(program);
  let at = -1;
  return program.comments.map(({ value, range: [start], loc }) => {
    while ((anchors[at + 1]?.start ?? Infinity) < start) {
      at += 1;
    }
    const last = anchors[at];
    const isBehind = last !== undefined && start >= last.end && loc.start.line === last.lastLine;
    const isInside = last !== undefined && start < last.end;
    return {
      words: `#${value.replace(/\r$/, '')}`,
      about: (isBehind || isInside ? last : anchors[at + 1])?.path,
      isBehind,
      isAtTop: at === -1,
    };
  });
}

/** Headers and pairs of tables, in the document's order; what stands inside of a value belongs to its pair. */
function anchorsOf(program: AST.TOMLProgram): readonly Anchor[] {
  return program.body[0].body.flatMap((node) => {
    if (node.type === 'TOMLKeyValue') {
      return [anchorOf(node, [])];
    }
    const path = keyPath(node.key);
    const header = {
      path,
      start: node.range[0],
      end: node.key.range[1],
      lastLine: node.key.loc.end.line,
    };
    return [header, ...node.body.map((pair) => anchorOf(pair, path))];
  });
}

function anchorOf({ key, range, loc }: AST.TOMLKeyValue, table: readonly string[]): Anchor {
  return { path: [...table, ...keyPath(key)], start: range[0], end: range[1], lastLine: loc.end.line };
}
