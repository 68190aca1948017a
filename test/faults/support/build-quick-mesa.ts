import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import type { TestProject } from 'vitest/node';

import { lighterPackages } from '../../../scripts/lighter-packages.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The script of a mesa whose vaults cost nothing; see quick-mesa.ts. */
    readonly quickMesa: string;
  }
}

/** Bundles quick-mesa.ts once for the whole run. */
export async function setup(project: TestProject): Promise<() => void> {
  const dir = mkdtempSync(join(tmpdir(), 'mesa-quick-'));
  const bundle = await rolldown({
    input: resolve(import.meta.dirname, 'quick-mesa.ts'),
    platform: 'node',
    plugins: lighterPackages,
    transform: { target: 'node20.17', define: { MESA_VERSION: '"0.0.0"' } },
    logLevel: 'silent',
  });
  await bundle.write({
    dir,
    format: 'cjs',
    comments: false,
    // It is started thousands of times: one file for what every command loads.
    codeSplitting: { groups: [{ name: 'start', tags: ['$initial'] }] },
    entryFileNames: 'quick-mesa.cjs',
    chunkFileNames: '[name].cjs',
  });
  await bundle.close();
  project.provide('quickMesa', join(dir, 'quick-mesa.cjs'));
  return () => rmSync(dir, { recursive: true, force: true });
}
