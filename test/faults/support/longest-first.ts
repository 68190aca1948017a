import { basename } from 'node:path';

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, the longest first. The others follow in the usual order. */
const LONG = [
  // Waits for a minute, and leaves the processor to others.
  'lock',
  'rotate',
  'injected-kills',
  'injected-errors-config',
  'injected-errors-vault',
  'injected-errors-plaintext',
  'full-disk',
  'create-key',
  'home-matrix',
  'agent',
  'signals',
  'unsafe-files',
].map((name) => `${name}.test.ts`);

/** Starts what takes longest first, so that no worker is alone at the end. Only a machine that ran it before knows. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's
    const usual = await super.sort(files);
    return usual.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const at = LONG.indexOf(basename(moduleId));
  return at === -1 ? LONG.length : at;
}
