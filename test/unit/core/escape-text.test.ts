import { execFileSync } from 'node:child_process';

import { expect, it } from 'vitest';

import { escapeText, quoteText, shellWord } from '../../../src/core/escape-text.ts';

it.each([
  ['\u001b[31mred', '\\u{1b}[31mred'],
  ['a\r\nb\tc\u0000', 'a\\u{d}\\u{a}b\\u{9}c\\u{0}'],
  ['\u007f\u009b2J', '\\u{7f}\\u{9b}2J'],
  ['\u202egnp.exe\u2066\u200f', '\\u{202e}gnp.exe\\u{2066}\\u{200f}'],
  ['zero\u200bwidth\ufeff\u00ad', 'zero\\u{200b}width\\u{feff}\\u{ad}'],
  ['\u2028\u2029', '\\u{2028}\\u{2029}'],
  ['tag\u{e0041}', 'tag\\u{e0041}'],
  ['lone\ud83d', 'lone\\u{d83d}'],
])('writes %j as %j', (text, escaped) => {
  expect(escapeText(text)).toBe(escaped);
});

it.each([
  'plain',
  'orgs/acme/repos/web',
  'caf\u00e9 \u65e5\u672c \ud83d\ude00',
  'back\\slash "quotes" \u2026',
])('leaves %j as it is', (text) => {
  expect(escapeText(text)).toBe(text);
});

it.each([
  ['x'.repeat(80), `'${'x'.repeat(80)}'`],
  ['x'.repeat(81), `'${'x'.repeat(80)}…'`],
  ['\ud83d\ude00'.repeat(80), `'${'\ud83d\ude00'.repeat(80)}'`],
  ['\ud83d\ude00'.repeat(81), `'${'\ud83d\ude00'.repeat(80)}…'`],
  [`x${'\ud83d\ude00'.repeat(90)}`, `'x${'\ud83d\ude00'.repeat(79)}…'`],
  ['\u0007', "'\\u{7}'"],
])('quotes at most 80 characters, and says when there were more', (text, quoted) => {
  expect(quoteText(text)).toBe(quoted);
});

it('quotes a megabyte without reading all of it', () => {
  expect(quoteText('y'.repeat(1024 * 1024))).toBe(`'${'y'.repeat(80)}…'`);
});

it.each(['/home/a/x.toml', '/home/a b/$(id)/x', "it's", '-rf', '`id`', 'a\nb', '~', '*', '', '\\', '!'])(
  'makes one word of %j for a real shell',
  (text) => {
    const printed = execFileSync('/bin/sh', ['-c', `printf '%s.' -- ${shellWord(text)}`], {
      encoding: 'utf8',
    });
    expect(printed).toBe(`--.${text}.`);
  },
);
