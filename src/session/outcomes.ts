import type { ChangeOutcome } from '../core/secret-store.ts';

/** What became of several keys, in words: `stored 2 keys`, `stored 1 key, replaced 1`. */
export function describeOutcomes(outcomes: readonly ChangeOutcome[]): string {
  return describeCounts(outcomes, { stored: 'stored', replaced: 'replaced', unchanged: 'kept' });
}

/**
 * Counts in words: `stored 1 key, replaced 1`; empty when there is nothing to count.
 * @param verbs the verb of each outcome that is told of, in the order of telling
 */
export function describeCounts(outcomes: readonly string[], verbs: Readonly<Record<string, string>>): string {
  return Object.entries(verbs)
    .map(([wanted, verb]) => ({ verb, number: outcomes.filter((outcome) => outcome === wanted).length }))
    .filter(({ number }) => number > 0)
    .map(({ verb, number }, index) => `${verb} ${number}${index > 0 ? '' : number === 1 ? ' key' : ' keys'}`)
    .join(', ');
}
