import { describe, expect, it } from 'vitest';

import { parsePlainCommandLine } from '../../../../src/cli/command-line/spec.ts';
import { loadTable } from '../../../../src/cli/command-line/table.ts';

const { commands: COMMANDS } = await loadTable();

function parse(
  line: string,
): readonly [string, Record<string, string | readonly string[] | true>, string | undefined] | undefined {
  const parsed = parsePlainCommandLine(line === '' ? [] : line.split(' '), COMMANDS);
  return parsed === undefined
    ? undefined
    : [parsed.command.path.join(' '), Object.fromEntries(parsed.flags), parsed.argument];
}

describe('the quick reader of command lines', () => {
  it.each([
    ['auth get-key', 'auth get-key', {}],
    ['auth get-key --org acme --repo web', 'auth get-key', { org: 'acme', repo: 'web' }],
    ['auth get-key --explain --json', 'auth get-key', { explain: true, json: true }],
    [
      '-y auth -c p get-key --org acme',
      'auth get-key',
      { 'non-interactive': true, 'config-path': 'p', org: 'acme' },
    ],
    ['auth list --json -y', 'auth list', { json: true, 'non-interactive': true }],
    ['auth rm-key --org acme --config-path p', 'auth rm-key', { org: 'acme', 'config-path': 'p' }],
    ['init --backend x', 'init', { backend: 'x' }],
  ])('takes "%s"', (line, command, flags) => {
    expect(parse(line)).toEqual([command, flags, undefined]);
  });

  it('takes the key of set-key, wherever it stands', () => {
    for (const line of ['auth set-key k --org acme', 'auth set-key --org acme k']) {
      expect(parse(line)).toEqual(['auth set-key', { org: 'acme' }, 'k']);
    }
  });

  it('takes everything behind -- as it is, of a command that runs another', () => {
    const parsed = parsePlainCommandLine('auth exec --org acme -y -- make --org x --'.split(' '), COMMANDS);
    expect(parsed?.command.path).toEqual(['auth', 'exec']);
    expect(parsed?.flags.get('org')).toBe('acme');
    expect(parsed?.rest).toEqual(['make', '--org', 'x', '--']);
  });

  it.each([
    '',
    'auth',
    'get-key',
    'auth show',
    'help auth',
    'auth get-key --help',
    'auth get-key -h',
    'auth get-key -V',
    '--version',
    'auth get-key --org',
    'auth get-key --org --repo web',
    'auth get-key --org -x',
    'auth get-key --org=acme',
    'auth get-key --org a --org b',
    'auth get-key -y --non-interactive',
    'auth get-key -yc p',
    'auth get-key --unknown',
    'auth get-key --backend x',
    'auth get-key extra',
    'auth get-key --',
    'auth -- exec true',
    'auth exec true',
    'auth list --org acme',
    'auth set-key a b',
    'auth set-key -- a',
    'init extra',
    '--org acme auth get-key',
  ])('leaves "%s" to the library', (line) => {
    expect(parse(line)).toBeUndefined();
  });
});
