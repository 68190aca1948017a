import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { parseTour, runBlock } from '../../../scripts/readme-tour.mjs';
import { startAuthority } from '../../support/authority.ts';

const readme = readFileSync(resolve(import.meta.dirname, '../../../README.md'), 'utf8');

/** A block's first command, which shows nothing new in the part about keys on the server. */
const SET_UP = {
  command: 'mesa init -y --backend plaintext-file',
  output: 'saved in ~/.config/mesa/config.toml: keys are kept in plaintext-file\n',
};

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
      const { ran, difference } = runBlock(block);
      expect(difference).toBeUndefined();
      expect(ran.map(({ command }) => command)).toEqual(block.map(({ command }) => command));
    },
  );
});

describe('what differs from what a block shows', () => {
  it.each([
    {
      what: 'another line, with the lines around it',
      step: { command: 'echo first; echo second; echo third', output: 'first\n2nd\nthird\n' },
      difference:
        "'echo first; echo second; echo third' does not print what is shown:\n  first\n- 2nd\n+ second\n  third",
    },
    {
      what: 'a line that is missing',
      step: { command: 'true', output: 'something\n' },
      difference: "'true' does not print what is shown:\n- something",
    },
    {
      what: 'a line too many',
      step: { command: 'echo x >&2', output: '' },
      difference: "'echo x >&2' does not print what is shown:\n+ x",
    },
    {
      what: 'a day that is not this one',
      step: { command: 'echo 2001-02-03', output: '2026-11-21\n' },
      difference: "'echo 2001-02-03' does not print what is shown:\n- TODAY\n+ 2001-02-03",
    },
    {
      what: 'a failure where no error is shown',
      step: { command: '(exit 9)', output: '' },
      difference: "'(exit 9)' ended with status 9, and no error is shown",
    },
    {
      what: 'a command after which there is no other',
      step: { command: 'exit 0', output: '' },
      difference: "'exit 0' ended the shell",
    },
  ])('is told: $what', ({ step, difference }) => {
    const after = { command: 'echo after', output: 'after\n' };
    const { ran, difference: found } = runBlock([SET_UP, step, after]);
    expect(found).toBe(difference);
    expect(ran.map(({ command }) => command)).toEqual([SET_UP.command, step.command]);
  });

  it('is not the status of a command whose error is shown', () => {
    const { ran, difference } = runBlock([
      SET_UP,
      {
        command: 'mesa auth get-key',
        output: 'mesa: no API key found in the secret store\nhint: mesa auth set-key\n',
      },
    ]);
    expect(difference).toBeUndefined();
    expect(ran.at(-1)?.status).toBe(4);
  });
});

/** Many commands, each a process that asks another one, perhaps on a busy machine. */
const PATIENCE_MS = 300_000;

/** What differs from run to run, made the same. */
function settle(text: string): string {
  return text
    .replaceAll(/key_[0-9A-Z]{26}/g, 'key_<id>')
    .replaceAll(/mesa_\*{4}[0-9A-Za-z]{4}/g, 'mesa_****<end>')
    .replaceAll(/127\.0\.0\.1:[0-9]+/g, '127.0.0.1:<port>');
}

it(
  'the part of the README about keys on the server prints what it shows',
  async () => {
    const authority = await startAuthority();
    try {
      await authority.createRepo('web');
      const [block = []] = parseTour(readme, 'tour: server');
      expect(block.length).toBeGreaterThan(5);
      const env = { ADMIN_KEY: authority.adminKey, MESA_API_URL: authority.url };
      const { ran, difference } = runBlock([SET_UP, ...block], { env, settle });
      expect(difference).toBeUndefined();
      expect(ran).toHaveLength(block.length + 1);
    } finally {
      await authority.stop();
    }
  },
  PATIENCE_MS,
);
