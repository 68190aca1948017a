import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { parseTour, runTour } from '../../scripts/tour.mjs';
import { startAuthority } from '../support/authority.ts';

const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

const today = (): string => new Date().toISOString().slice(0, 'YYYY-MM-DD'.length);

describe('the tour in the README', () => {
  const blocks = parseTour(readme);

  it('has a part with a plaintext store, one with a vault, one with git, and one with the keys at work', () => {
    expect(blocks.map((block) => block[0]?.command)).toEqual([
      'mesa init -y --backend plaintext-file',
      'mesa init -y --backend encrypted-file',
      'mesa init -y --backend plaintext-file',
      'mesa init -y --backend plaintext-file',
    ]);
  });

  it.each(blocks.map((block) => ({ block, first: block[0]?.command })))(
    'prints what it shows, from $first on',
    ({ block }) => {
      const shown = block.map(({ command, output }) => ({
        command,
        output: output.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}/g, 'TODAY').trimEnd(),
      }));
      // Midnight may be in between.
      const days = [today()];
      const ran = runTour(block);
      days.push(today());
      // Of moments and process ids only the places.
      const printed = ran.map(({ command, output }) => ({
        command,
        output: output
          .replace(new RegExp(days.join('|'), 'g'), 'TODAY')
          .replace(/T[0-9:]{8}Z/g, 'T10:00:00Z')
          .replace(/\([0-9]+\)$/gm, '(4711)')
          .trimEnd(),
      }));
      expect(printed).toEqual(shown);
    },
  );
});

/** Many commands, each a process that asks another one, perhaps on a busy machine. */
const PATIENCE_MS = 300_000;

/** What differs from run to run, made the same. */
function settled(text: string): string {
  return text
    .replaceAll(/key_[0-9A-Z]{26}/g, 'key_<id>')
    .replaceAll(/mesa_\*{4}[0-9A-Za-z]{4}/g, 'mesa_****<end>')
    .replaceAll(/127\.0\.0\.1:[0-9]+/g, '127.0.0.1:<port>')
    .trimEnd();
}

it(
  'the part of the README about keys on the server prints what it shows',
  async () => {
    const authority = await startAuthority();
    try {
      await authority.createRepo('web');
      const [block = []] = parseTour(readme, 'tour: server');
      expect(block.length).toBeGreaterThan(5);
      const setUp = { command: 'mesa init -y --backend plaintext-file' };
      const env = { ADMIN_KEY: authority.adminKey, MESA_API_URL: authority.url };
      const [, ...printed] = runTour([setUp, ...block], env);
      expect(printed.map(({ command, output }) => ({ command, output: settled(output) }))).toEqual(
        block.map(({ command, output }) => ({ command, output: settled(output) })),
      );
    } finally {
      await authority.stop();
    }
  },
  PATIENCE_MS,
);
