import { describe, expect, it } from 'vitest';

import {
  anchorsOf,
  brokenLinks,
  markdownFiles,
  readRepositoryFile,
  relativeLinks,
} from '../support/markdown.ts';

const FILES = markdownFiles();
const DECISIONS = ['docs/decisions', 'authority/docs/decisions'] as const;
const HEADINGS = ['Context', 'Decision', 'Consequence'] as const;

/** The names of the decisions in a folder. */
function decisionsIn(folder: string): readonly string[] {
  return FILES.filter((path) => path.startsWith(`${folder}/`) && !path.endsWith('/README.md')).map((path) =>
    path.slice(folder.length + 1),
  );
}

it('every relative link of every markdown file leads to a file, and its anchor to a heading', () => {
  const broken = FILES.flatMap((path) =>
    brokenLinks(path, readRepositoryFile(path)).map((link) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
  // Else that holds of nothing.
  expect(FILES).toEqual(
    expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']),
  );
  expect(FILES.flatMap((path) => relativeLinks(readRepositoryFile(path))).length).toBeGreaterThan(50);
});

it('a link to a file or a heading that is not there is found, and no other', () => {
  const text = [
    '# One `two`: three',
    '[there](../README.md) [heading](../README.md#speed-and-proof) [here](#one-two-three) [site](https://mesa.dev)',
    '[gone](gone.md) ![picture](../gone.svg) [no heading](../README.md#gone) [nor here](#gone) [out](../../x.md)',
    '[name]',
    '',
    '[name]: gone-too.md',
    '`[code](gone.md)`',
    '```',
    '[code](gone.md)',
    '# code',
    '```',
  ].join('\n');
  expect(brokenLinks('docs/a.md', text)).toEqual([
    'gone.md',
    '../gone.svg',
    '../README.md#gone',
    '#gone',
    '../../x.md',
    'gone-too.md',
  ]);
  expect([...anchorsOf(`${text}\n## Again\n## Again\n`)]).toEqual(['one-two-three', 'again', 'again-1']);
});

describe.each(DECISIONS)('%s', (folder) => {
  const names = decisionsIn(folder);

  it('numbers its decisions from 0001 on, without a gap', () => {
    expect(names.length).toBeGreaterThan(0);
    expect(names.toSorted().map((name) => name.slice(0, 5))).toEqual(
      names.map((_, index) => `${String(index + 1).padStart(4, '0')}-`),
    );
  });

  it('lists every decision once in its README, by its title', () => {
    const lines = readRepositoryFile(`${folder}/README.md`)
      .split('\n')
      .filter((line) => line.startsWith('- '));
    const expected = names.map((name) => {
      const [title = ''] = readRepositoryFile(`${folder}/${name}`).split('\n');
      return `- [${name.slice(0, 4)}](${name}): ${title.slice('# '.length)}.`;
    });
    expect(lines.toSorted()).toEqual(expected.toSorted());
  });

  it.each(names)('%s says what led to it, what was decided and what follows', (name) => {
    const lines = readRepositoryFile(`${folder}/${name}`).split('\n');
    const headings = lines.filter((line) => line.startsWith('## ')).map((line) => line.slice('## '.length));
    expect(lines.filter((line) => line.startsWith('# '))).toEqual([lines[0]]);
    expect(headings.filter((heading) => heading !== 'Measured')).toEqual(HEADINGS);
    expect(headings.indexOf('Measured')).toBeOneOf([-1, HEADINGS.length]);
  });
});
