import { BACKENDS } from '../core/secret-store.ts';
import type { Finding } from './finding.ts';
import type { Examined } from './examined.ts';

/** Dates in a store that somebody wrote by hand in a form that is none, and that are kept but not used. */
export async function checkExpiryDates({ stores }: Pick<Examined, 'stores'>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const backend of BACKENDS) {
    const { store, document } = stores[backend];
    const entries = (await document())?.entries ?? new Map<never, never>();
    const names = [...entries]
      .filter(([, { expires, fields }]) => expires === undefined && fields.has('expires'))
      .map(([name]) => name);
    if (names.length > 0) {
      findings.push({
        check: 'expiry_dates',
        severity: 'warning',
        what: `"expires" is not a date-time in ${store.location} for ${names.join(', ')}`,
        why: 'nobody is warned before the key ends',
        mend: 'write it without quotes, as in: expires = 2026-11-21T12:00:00Z',
      });
    }
  }
  return findings;
}
