import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cleanUp } from './authority.ts';

/** An empty directory, gone when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mesa-authority-'));
  cleanUp(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}
