import type { ChangeOutcome } from '../core/secret-store.ts';

/** What became of several keys, in words: `stored 2 keys`, `stored 1 key, replaced 1`. */
export function describeOutcomes(outcomes: readonly ChangeOutcome[]): string {
  const count = (wanted: ChangeOutcome): number => outcomes.filter((outcome) => outcome === wanted).length;
  const parts = [
    { verb: 'stored', number: count('stored') },
    { verb: 'replaced', number: count('replaced') },
  ].filter(({ number }) => number > 0);
  return parts
    .map(({ verb, number }, index) => `${verb} ${number}${index > 0 ? '' : number === 1 ? ' key' : ' keys'}`)
    .join(', ');
}
