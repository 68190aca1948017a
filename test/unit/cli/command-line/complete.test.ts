import { describe, expect, it } from 'vitest';

import { complete } from '../../../../src/cli/command-line/complete.ts';
import { GLOBAL_FLAGS, type Flags } from '../../../../src/cli/command-line/spec.ts';
import { loadTable } from '../../../../src/cli/command-line/table.ts';
import { parseStoreKey, type KeyScope } from '../../../../src/core/key-scope.ts';

const table = await loadTable();
const { commands: COMMANDS, groups: GROUPS } = table;
const SCOPES = ['global', 'orgs/acme', 'orgs/acme/repos/web', 'orgs/acme/repos/api', 'orgs/beta/repos/web']
  .map(parseStoreKey)
  .filter((scope): scope is KeyScope => scope !== undefined);

/** The candidates for the last word of a line, which ends with a space where that word is empty. */
async function completeLine(
  line: string,
  knownScopes = (_flags: Flags): Promise<readonly KeyScope[]> => Promise.resolve(SCOPES),
): Promise<readonly string[] | 'files'> {
  const found = await complete(table, line.split(' '), knownScopes);
  return found === 'files' ? found : found.map(({ text }) => text);
}

const COMMON = ['--config-path', '--non-interactive', '--help', '--version'];
const shown = COMMANDS.filter(({ hidden }) => hidden !== true);

describe('completion', () => {
  it('offers every command that help shows, each where it belongs, and no hidden one', async () => {
    const top = shown.filter(({ path }) => path.length === 1).map(({ path: [name] }) => name);
    const groups = Array.from(GROUPS.keys(), (name) => name.split(' '));
    const nextWords = (words: readonly string[]): readonly string[] =>
      [...shown.map(({ path }) => path), ...groups]
        .filter((path) => path.length === words.length + 1 && words.every((word, at) => word === path[at]))
        .flatMap((path) => path.slice(-1));
    expect(await completeLine('mesa ')).toEqual([...top, 'auth', 'help']);
    expect(nextWords(['auth'])).toContain('api-keys');
    for (const words of groups) {
      const group = words.join(' ');
      const names = nextWords(words);
      expect(names.length).toBeGreaterThan(0);
      expect(await completeLine(`mesa ${group} `)).toEqual([...names, 'help']);
      expect(await completeLine(`mesa ${group} help `)).toEqual(names);
      expect(await completeLine(`mesa help ${group} `)).toEqual(names);
    }
  });

  it.each(shown.map((spec) => ({ name: spec.path.join(' '), spec })))(
    'offers every flag of "$name" once, and what is known about its value',
    async ({ name, spec }) => {
      const own = spec.flags.map(({ long }) => long);
      expect(await completeLine(`mesa ${name} -`)).toEqual([...own, ...COMMON]);
      for (const { long, value, values, repeatable } of [...spec.flags, ...GLOBAL_FLAGS]) {
        const given = value === undefined ? long : `${long} x`;
        const left = [...own, ...COMMON].filter((other) => other !== long || repeatable === true);
        expect(await completeLine(`mesa ${name} ${given} --`)).toEqual(left);
        if (Array.isArray(values)) {
          expect(await completeLine(`mesa ${name} ${long} `)).toEqual(values);
        }
      }
    },
  );

  it.each([
    ['mesa auth get-key --org ', ['acme', 'beta']],
    ['mesa auth exec --org acme -- ', 'files'],
    ['mesa auth exec --mint -- make --', 'files'],
    ['mesa auth list -- ', []],
    ['mesa auth get-key --org=a', ['--org=acme', '--org=beta']],
    ['mesa auth get-key --org acme --repo ', ['web', 'api']],
    ['mesa auth get-key --repo=w --org=a --json -', ['--explain', ...COMMON]],
    ['mesa --non-interactive auth get-key --org=acme --repo=', ['--repo=web', '--repo=api']],
    ['mesa auth get-key --repo ', []],
    ['mesa auth get-key --org other --repo ', []],
    ['mesa auth mint-token --repo ', ['acme/web', 'acme/api', 'beta/web']],
    [
      'mesa auth mint-token --repo=acme/web --repo=',
      ['--repo=acme/web', '--repo=acme/api', '--repo=beta/web'],
    ],
    ['mesa auth list --org ', ['--json', ...COMMON]],
    ['mesa -c ', 'files'],
    ['mesa auth --config-path=x', 'files'],
    ['mesa auth list -c x -', ['--json', '--non-interactive', '--help', '--version']],
    ['mesa completion ', ['bash', 'zsh', 'fish']],
    ['mesa completion bash ', COMMON],
    ['mesa auth set-key mesa_x m', []],
    ['mesa auth set-key -- -', []],
    ['mesa auth nothing ', COMMON],
    ['mesa nothing a', []],
    ['mesa help init a', []],
    ['mesa', ['init', 'completion', 'auth', 'help']],
  ])('knows what comes next: "%s"', async (line, expected) => {
    expect(await completeLine(line)).toEqual(expected);
  });

  it('offers the pages of help about no command', async () => {
    expect(await completeLine('mesa help ')).toEqual(
      expect.arrayContaining(['environment', 'exit-codes', 'auth']),
    );
  });

  it('asks for scopes only where one is wanted, with the configuration that the line names', async () => {
    const asked: unknown[] = [];
    const knownScopes = (flags: Flags): Promise<readonly KeyScope[]> => {
      asked.push(flags.get('config-path'));
      return Promise.resolve([]);
    };
    for (const line of [
      'mesa ',
      'mesa auth get-key ',
      'mesa auth get-key --org x -',
      'mesa auth get-key --repo ',
    ]) {
      await completeLine(line, knownScopes);
    }
    expect(asked).toEqual([]);
    await completeLine('mesa -c other.toml auth get-key --org ', knownScopes);
    expect(asked).toEqual(['other.toml']);
  });
});
