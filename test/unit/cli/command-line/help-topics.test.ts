import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

import { ENVIRONMENT_VARIABLES } from '../../../../src/cli/command-line/environment-variables.ts';
import { EXIT_CODES } from '../../../../src/cli/command-line/exit-codes.ts';

const root = resolve(import.meta.dirname, '../../../..');
const README = readFileSync(join(root, 'README.md'), 'utf8');
const LISTED: readonly string[] = ENVIRONMENT_VARIABLES.flatMap(({ name, also = [] }) => [name, ...also]);

/** The rows of the table under a heading of the README, without code marks. */
function readmeRows(heading: string): readonly (readonly string[])[] {
  const section = README.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.replaceAll('`', '').slice(2, -2).split(' | '));
}

/** Every source file, without comments and codes of errors. */
function sources(): readonly string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('environment-variables.ts'))
    .map((path) =>
      readFileSync(join(root, 'src', path), 'utf8').replace(
        /\/\*\*?[^]*?\*\/|\/\/.*$|MesaAuthError\(\s*'\w+'|errnoOf\(error\) [!=]== '\w+'/gm,
        '',
      ),
    );
}

/** The names that a source reads from an environment; those in words of it, where it reads by a name that it was given. */
function readNames(source: string): readonly string[] {
  const direct = [...source.matchAll(/\benv(?:\[['"](\w+)['"]\]|\??\.([A-Za-z_]\w*))/g)];
  const indirect = /\benv\[(?!['"])/.test(source)
    ? [...source.matchAll(/['"]([A-Z][A-Z0-9_]+|container)['"]/g)]
    : [];
  return [...direct, ...indirect].map((match) => match[1] ?? match[2] ?? '');
}

it('lists every environment variable that the program reads, and none that it does not', () => {
  const read = new Set(sources().flatMap(readNames));
  expect([...read].filter((name) => !LISTED.includes(name))).toEqual([]);
  expect(LISTED.filter((name) => !read.has(name))).toEqual([]);
});

it('reads the environment in the ways that the list was checked for', () => {
  for (const source of sources()) {
    // Taken apart, a variable would be read without its name in brackets.
    expect(source).not.toMatch(/\}\s*=\s*(?:\w+\.)*env\b|\}:\s*(?:NodeJS\.ProcessEnv|Environment)\b/);
  }
});

it('describes the same environment variables as the README', () => {
  const inReadme = readmeRows('Environment variables').flatMap(([names = '']) => names.split(', '));
  expect(ENVIRONMENT_VARIABLES.map(({ name }) => name).toSorted()).toEqual(inReadme.toSorted());
});

it('describes the same exit codes as the README, in the same words', () => {
  expect(EXIT_CODES.map(({ code, meaning }) => [code, meaning])).toEqual(readmeRows('Exit codes'));
});
