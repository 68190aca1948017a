import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(resolve(root, name), 'utf8')) as T;
}

it('an install script of a dependency is run nowhere, and each that there is was looked at', () => {
  const { packages } = readJson<{ packages: Record<string, { hasInstallScript?: boolean }> }>(
    'package-lock.json',
  );
  const withScripts = Object.entries(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([place]) => place.replace(/.*node_modules\//, ''));
  const { allowScripts } = readJson<{ allowScripts: Record<string, boolean> }>('package.json');
  expect(allowScripts).toEqual(Object.fromEntries(withScripts.map((name) => [name, false])));
});

it("the server's SQLite is there without its script, as it came", () => {
  const program = `const { DatabaseSync } = require('@photostructure/sqlite');
    const database = new DatabaseSync(':memory:');
    process.stdout.write(database.prepare("select 'answered' as text").get().text);`;
  const answer = execFileSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' });
  expect(answer).toBe('answered');
});
