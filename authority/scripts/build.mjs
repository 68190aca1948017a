// Compiles src/ into dist/: a server is not bundled, so its files are written as they are.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

import { digestSources, recordBuild } from '../../scripts/built-from.mjs';

const directory = resolve(import.meta.dirname, '..');
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));

const digests = digestSources('authority');
// With it goes what was made of a source that is no more.
rmSync(join(directory, 'dist'), { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: directory,
  stdio: 'inherit',
});
if (status === 0) {
  recordBuild('authority', digests);
} else {
  process.exitCode = status ?? 1;
}
