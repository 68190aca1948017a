import { cpSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

import { builtProgram, digestSources, recordBuild } from '../../../scripts/built-from.mjs';
import { builtDist } from '../../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** A checkout of a few files, in which both programs have just been built. */
function createCheckout(): TempHome {
  const checkout = createTempHome();
  checkout.write('src/start.ts', 'start');
  checkout.write('src/core/token.ts', 'token');
  checkout.write('package.json', '{}');
  checkout.write('scripts/build.mjs', 'build');
  checkout.write('authority/src/main.ts', 'main');
  for (const [name, dist] of [
    ['mesa', 'dist'],
    ['authority', 'authority/dist'],
  ] as const) {
    checkout.write(`${dist}/main.js`, '');
    recordBuild(name, digestSources(name, checkout.path), checkout.path);
  }
  return checkout;
}

it('a program that was built from the sources that are there is used, also in a copy, and when nothing but a time changed', () => {
  const checkout = createCheckout();
  const { path } = checkout;
  expect(builtProgram('mesa', path)).toBe(join(path, 'bin/mesa.cjs'));
  expect(builtProgram('authority', path)).toBe(join(path, 'authority/bin/mesa-authority.mjs'));
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(path, 'src/start.ts'), later, later);
  checkout.write('src/.start.ts.swp', 'of an editor');
  checkout.write('README.md', 'of no program');
  const copy = createTempHome().path;
  cpSync(path, copy, { recursive: true });
  for (const root of [path, copy]) {
    expect(() => builtProgram('authority', root)).not.toThrow();
  }
});

it.each([
  { what: 'a source changed', file: 'src/core/token.ts' },
  { what: 'a source was added', file: 'src/core/other.ts' },
  { what: 'package.json changed', file: 'package.json' },
  { what: 'the script that builds changed', file: 'scripts/build.mjs' },
])('both are refused when $what, with the command that builds', ({ file }) => {
  const checkout = createCheckout();
  const { path } = checkout;
  checkout.write(file, 'changed');
  // The server takes its tokens from there.
  for (const name of ['mesa', 'authority'] as const) {
    expect(() => builtProgram(name, path)).toThrow(
      new Error(`mesa was built before ${file} changed: npm run build`),
    );
  }
});

it('both are refused when a source is gone, or more than one differs', () => {
  const { path } = createCheckout();
  renameSync(join(path, 'src/start.ts'), join(path, 'src/begin.ts'));
  expect(() => builtProgram('mesa', path)).toThrow(
    /^mesa was built before src\/(?:start|begin)\.ts and 1 more changed: npm run build$/,
  );
});

it("the server alone is refused when a source of its own changed, or it isn't built", () => {
  const checkout = createCheckout();
  const { path } = checkout;
  checkout.write('authority/src/main.ts', 'changed');
  const changed = 'authority was built before authority/src/main.ts changed: npm run build -w authority';
  expect(() => builtProgram('authority', path)).toThrow(new Error(changed));
  rmSync(join(path, 'authority/dist'), { recursive: true });
  expect(() => builtProgram('authority', path)).toThrow(
    new Error('authority is not built: npm run build -w authority'),
  );
  expect(() => builtProgram('mesa', path)).not.toThrow();
  rmSync(join(path, 'dist/built-from.json'));
  expect(() => builtProgram('mesa', path)).toThrow(new Error('mesa is not built: npm run build'));
});

it('every file of ours that is in the bundle, and every script that makes it, is among the sources', () => {
  const sources = Object.keys(digestSources('mesa'));
  const dist = builtDist();
  const bundled = readdirSync(dist)
    .filter((name) => name.endsWith('.map'))
    .flatMap((name) => (JSON.parse(readFileSync(join(dist, name), 'utf8')) as { sources: string[] }).sources)
    .filter((source) => source.startsWith('../src/'))
    .map((source) => source.slice('../'.length));
  expect(bundled.length).toBeGreaterThan(100);
  const script = readFileSync(join(ROOT, 'scripts/build.mjs'), 'utf8');
  const scripts = [...script.matchAll(/from '\.\/(.+)'/g)]
    .map(([, name]) => `scripts/${name}`)
    .filter((name) => name !== 'scripts/built-from.mjs');
  expect(scripts.length).toBeGreaterThan(2);
  expect(sources).toEqual(expect.arrayContaining([...bundled, ...scripts, 'package-lock.json']));
});
