import { readFileSync } from 'node:fs';

import { defineConfig } from 'rolldown';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

// CommonJS, because Node starts it faster; one small entry, because even unused code in the same file costs;
// everything behind an `import()` in a file of its own. Not minified: it buys nothing, and stack traces stay readable.
export default defineConfig({
  input: 'src/mesa.ts',
  platform: 'node',
  transform: { target: 'node20.17', define: { MESA_VERSION: JSON.stringify(version) } },
  output: {
    dir: 'dist',
    format: 'cjs',
    cleanDir: true,
    sourcemap: true,
    keepNames: false,
    entryFileNames: 'mesa.cjs',
    chunkFileNames: '[name].cjs',
  },
});
