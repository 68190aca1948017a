import { describeExpiry, expiresWithin, keyExpiry } from '../core/key-expiry.ts';
import { replaceCommand } from '../core/key-source.ts';
import { BACKENDS } from '../core/secret-store.ts';
import { describeToken } from '../core/token-kind.ts';
import { MesaAuthError } from '../errors.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

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

/** Keys of the store in force that have ended: whatever is sent with them is refused. */
export function checkExpiredKeys({
  config,
  stores,
  now,
}: Pick<Examined, 'config' | 'stores' | 'now'>): readonly Finding[] {
  const entries = config instanceof MesaAuthError ? undefined : stores[config.backend].entries;
  if (entries === undefined || entries instanceof MesaAuthError) {
    return [];
  }
  return [...entries].flatMap(([name, entry]) => {
    const expires = keyExpiry(entry.expires, describeToken(entry.token));
    return expires === undefined || !expiresWithin(expires, 0, now)
      ? []
      : [
          {
            check: 'expired_keys',
            severity: 'warning',
            what: `the key for ${name} (${entry.token.masked()}) ${describeExpiry(expires, now)}`,
            why: 'it is used where nothing narrower is stored, and the server refuses it',
            mend: replaceCommand(name),
          } as const,
        ];
  });
}
