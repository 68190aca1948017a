import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { parseAst } from 'rolldown/parseAst';
import { describe, expect, it } from 'vitest';

import { commandsInHint, faultsOfHint, isCommand } from '../support/hints.ts';

const SRC = resolve(import.meta.dirname, '../../src');

/** Of a syntax tree. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What stands for a value that is known at run time only. It is a name, a path and a number alike. */
const SAFE_WORD = '7d';
/** Values that are more than a word. */
const KNOWN: Readonly<Record<string, string>> = {
  scopeFlags: ' --org acme --repo web',
  givenOrg: ' --org acme',
  placeFlags: ' --org acme',
  shellWord: "'a file'",
  replaceCommand: 'mesa auth set-key --org acme',
  renewCommand: 'mesa auth api-keys rotate --org acme',
  whoamiCommand: 'mesa auth whoami --org acme',
  restoreCommands: 'mv -i a b && mesa auth restore "$BACKUP"',
  flags: ' --org acme',
  id: 'key_1',
  orphan: 'key_1',
  to: 'plaintext-file',
  target: 'plaintext-file',
  suggestBackend: 'encrypted-file',
  inOurWords: 'auth list',
};

/** Every text that a hint of a file can be, with safe words for its variable parts. */
function hintsOf(source: string): readonly string[] {
  const tree = parseAst(source, { lang: 'ts' }) as unknown as Node;
  const constants = new Map<string, Node>();
  const hints: Node[] = [];
  walk(tree, (node) => {
    const [key, value] = [
      nameOf(node['key']) ?? nameOf(node['id']),
      (node['value'] ?? node['init']) as Node | undefined,
    ];
    if ((node.type === 'Property' || node.type === 'VariableDeclarator') && value?.type !== undefined) {
      if (node.type === 'VariableDeclarator' && key !== undefined) {
        constants.set(key, value);
      }
      if (key === 'hint' || key === 'mend') {
        hints.push(value);
      }
    }
    if (node.type === 'CallExpression') {
      const callee = node['callee'] as Node;
      const name = nameOf(callee) ?? nameOf(callee['property']);
      const [first, second, , fourth] = node['arguments'] as readonly Node[];
      const text =
        name === 'hint' ? first : name === 'unsafe' ? second : name === 'ioError' ? fourth : undefined;
      if (text !== undefined) {
        hints.push(text);
      }
    }
  });
  return hints
    .flatMap((node) => textsOf(node, constants))
    .filter((text) => text !== '' && text !== SAFE_WORD);
}

function textsOf(node: Node, constants: ReadonlyMap<string, Node>): readonly string[] {
  const inner = (field: string): readonly string[] => textsOf(node[field] as Node, constants);
  switch (node.type) {
    case 'Literal':
      return typeof node['value'] === 'string' ? [node['value']] : [];
    case 'ConditionalExpression':
      return [...inner('consequent'), ...inner('alternate')];
    case 'LogicalExpression':
      return [...inner('left'), ...inner('right')];
    case 'TemplateLiteral': {
      const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
      const parts = (node['expressions'] as readonly Node[]).map((part) => textsOf(part, constants));
      return quasis.reduce<readonly string[]>(
        (texts, { value: { cooked } }, index) =>
          texts.flatMap((text) =>
            (index === 0 ? [''] : (parts[index - 1] ?? [])).map((part) => text + part + cooked),
          ),
        [''],
      );
    }
    case 'Identifier':
    case 'CallExpression':
    case 'MemberExpression': {
      const callee = (node.type === 'CallExpression' ? node['callee'] : node) as Node;
      const name = nameOf(callee) ?? nameOf(callee['property']) ?? '';
      const known = KNOWN[name];
      const constant = node.type === 'Identifier' ? constants.get(name) : undefined;
      return constant === undefined ? [known ?? SAFE_WORD] : textsOf(constant, constants);
    }
    default:
      return [SAFE_WORD];
  }
}

function nameOf(node: unknown): string | undefined {
  const { type, name } = (node ?? {}) as { readonly type?: string; readonly name?: string };
  return type === 'Identifier' ? name : undefined;
}

function walk(node: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(node)) {
    node.forEach((one) => walk(one, visit));
  } else if (typeof node === 'object' && node !== null) {
    if ('type' in node) {
      visit(node as Node);
    }
    Object.values(node).forEach((one) => walk(one, visit));
  }
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /(?<!\.d)\.ts$/.test(path),
);
const HINTS = FILES.flatMap((path) =>
  hintsOf(readFileSync(join(SRC, path), 'utf8')).map((hint) => ({ path, hint })),
);

describe('the hints in the sources', () => {
  it('are found', () => {
    expect(HINTS.length).toBeGreaterThan(150);
    expect(HINTS.flatMap(({ hint }) => commandsInHint(hint)).length).toBeGreaterThan(60);
  });

  it('can be pasted into a shell, hold no placeholder, and end with the command that they name', () => {
    const faults = HINTS.flatMap(({ path, hint }) =>
      faultsOfHint(hint).map((fault) => `${path}: ${JSON.stringify(hint)} ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  it('name commands that there are, with flags that they have', () => {
    const lines = new Set(HINTS.flatMap(({ hint }) => commandsInHint(hint)));
    expect([...lines].filter((line) => !isCommand(line))).toEqual([]);
  });
});
