import { describe, expect, it } from 'vitest';

import { generatePassphrase, WORDS } from '../../../src/vault/generate-passphrase.ts';
import { describePassphraseProblem } from '../../../src/vault/passphrase.ts';

describe('a passphrase for a new vault', () => {
  it.each([
    ['', 'the passphrase is empty'],
    [' '.repeat(20), 'the passphrase is empty'],
    ['eleven char', 'use at least 12 characters'],
    // Characters, not the units of UTF-16: six of these are twelve units.
    ['\ud83d\ude00'.repeat(6), 'use at least 12 characters'],
    ['twelve chars', undefined],
    ['\ud83d\ude00'.repeat(12), undefined],
    ['x'.repeat(100_000), undefined],
  ])('%#: is judged by its characters', (text, problem) => {
    expect(describePassphraseProblem(text)).toBe(problem);
  });
});

describe('a generated passphrase', () => {
  it('comes from 7,776 different words that everybody can type', () => {
    expect(new Set(WORDS).size).toBe(7_776);
    expect(WORDS.filter((word) => !/^[a-z]+(?:-[a-z]+)?$/.test(word))).toEqual([]);
  });

  it('has six words, each drawn from all of them', () => {
    const plainWords = new Set(WORDS.filter((word) => !word.includes('-')));
    const phrases = Array.from({ length: 2_000 }, generatePassphrase);
    expect(new Set(phrases).size).toBe(phrases.length);
    expect(phrases.filter((phrase) => describePassphraseProblem(phrase) !== undefined)).toEqual([]);
    // A few words have a hyphen of their own, and make a phrase look longer.
    const ofSix = phrases.map((phrase) => phrase.split('-')).filter((words) => words.length === 6);
    expect(ofSix.length).toBeGreaterThan(1_900);
    const drawn = new Set(ofSix.flat().filter((word) => plainWords.has(word)));
    // Of 12,000 draws about 6,100 differ.
    expect(drawn.size).toBeGreaterThan(5_500);
  });
});
