// The type declarations of what the package publishes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What is imported to run declares nothing. */
const RUN_ALONE = /^import '[^']+';\n/gm;
const IMPORTED = /(?<= from ')\.[^']+(?=\.ts')/g;

/**
 * Writes the declarations of one entry, and of the files whose types it shows, next to its bundle. As `.d.cts`, because
 * the bundle is CommonJS: with `.d.ts` in a package of ES modules, TypeScript would refuse a `require` of it.
 * @param {string} root the project's directory
 * @param {string} entry the source file that is published, relative to src
 */
export function writeDeclarations(root, entry) {
  const emitted = mkdtempSync(join(tmpdir(), 'mesa-types-'));
  try {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.types.json'), '--outDir', emitted], {
      stdio: 'inherit',
    });
    const files = new Set([entry.replace(/\.ts$/, '')]);
    // A set is visited to its end, what is added meanwhile included.
    for (const file of files) {
      const text = readFileSync(join(emitted, `${file}.d.ts`), 'utf8').replaceAll(RUN_ALONE, '');
      for (const imported of text.match(IMPORTED) ?? []) {
        files.add(join(dirname(file), imported));
      }
      const target = join(root, 'dist', `${file}.d.cts`);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text.replaceAll(/(?<= from '\.[^']+)\.ts(?=')/g, '.cjs'));
    }
  } finally {
    rmSync(emitted, { recursive: true });
  }
}
