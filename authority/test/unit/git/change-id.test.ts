import { describe, expect, it } from 'vitest';

import { ownChangeIdOf, syntheticChangeIdOf } from '../../../src/git/change-id.ts';

const object = (header: string, message = 'a change'): string =>
  `tree ${'0'.repeat(40)}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n${header}\n${message}\n`;

describe('change ids', () => {
  it('are for a commit of git what Jujutsu shows for it', () => {
    // jj's tutorial clones octocat/Hello-World, and its log says: orrkosyozysx ... master 7fd1a60b01f9.
    const id = syntheticChangeIdOf('7fd1a60b01f91b314f59955a4e4d4e80d8edf11d');
    expect(id).toBe('orrkosyozysxoxsxuppqqpkxrnmrqkrz');
    expect(id).toMatch(/^orrkosyozysx/);
  });

  it.each([
    ['f'.repeat(40), 'k'.repeat(32)],
    ['0'.repeat(40), 'z'.repeat(32)],
    // The first four bytes are no part of it; the last bit of the last byte comes first.
    [`ffffffff${'0'.repeat(31)}1`, `r${'z'.repeat(31)}`],
  ])('come from all but the first eight digits of a commit: %s', (commit, expected) => {
    expect(syntheticChangeIdOf(commit)).toBe(expected);
  });

  it('are read from the header of a commit that has one', () => {
    expect(ownChangeIdOf(object(`change-id ${'klmnopqr'.repeat(4)}\n`))).toBe('klmnopqr'.repeat(4));
  });

  it.each([
    ['no such header', object('')],
    ['one in the message', object('', `change-id ${'k'.repeat(32)}`)],
    ['one of another length', object(`change-id ${'k'.repeat(40)}\n`)],
    ['one of other letters', object(`change-id ${'a'.repeat(32)}\n`)],
    ['one inside another header', object(`gpgsig x\n change-id ${'k'.repeat(32)}\n`)],
  ])('are not there with %s', (_title, text) => {
    expect(ownChangeIdOf(text)).toBeUndefined();
  });
});
