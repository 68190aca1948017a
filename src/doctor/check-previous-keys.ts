import { parseStoreKey } from '../core/key-scope.ts';
import { BACKENDS } from '../core/secret-store.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** Replaced keys that nothing replaced any more, as an older version or a hand leaves them. */
export async function checkPreviousKeys({ stores }: Pick<Examined, 'stores'>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const backend of BACKENDS) {
    const { store, document } = stores[backend];
    const found = await document();
    const strays = [
      ...Array.from(found?.previous.keys() ?? []).filter((name) => found?.entries.has(name) === false),
      ...(found?.unknownPrevious.keys() ?? []),
    ];
    const changes = strays.flatMap((name) => {
      const scope = parseStoreKey(name);
      return scope === undefined ? [] : [{ kind: 'forget', scope } as const];
    });
    if (strays.length > 0) {
      const isAll = changes.length === strays.length;
      findings.push({
        check: 'previous_keys',
        severity: 'warning',
        what: `${store.location} holds a replaced key without the one that replaced it, for ${strays.join(', ')}`,
        why: 'a key that was removed lies there all the same',
        mend: isAll ? 'mesa auth doctor --fix' : 'take it out of the table "previous" by hand',
        ...(isAll
          ? {
              fix: async () => {
                await store.apply(changes);
                return [`removed what was left of replaced keys from ${store.location}`];
              },
            }
          : {}),
      });
    }
  }
  return findings;
}
