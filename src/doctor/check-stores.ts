import { isEncrypted, otherBackend, BACKENDS, type KeyEntries } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { mendTimes } from '../stores/mend-times.ts';
import { parseDocument } from '../stores/read-document.ts';
import { errorOf, findingFrom, type Finding } from './finding.ts';
import type { Examined, StoreView } from './examined.ts';

const MAX_NAMED = 5;

/** Stores that cannot be read, for another reason than a missing passphrase or what the check of files found. */
export async function checkStores({ stores }: Pick<Examined, 'stores'>): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const backend of BACKENDS) {
    const view = stores[backend];
    const { entries } = view;
    if (entries instanceof MesaAuthError && !['LOCKED', 'STORE_UNSAFE', 'IO'].includes(entries.code)) {
      findings.push({
        ...findingFrom('stores', entries, 'its keys cannot be used, and mesa does not write to it'),
        ...(entries.code === 'STORE_DAMAGED' ? await mendingOfTimes(view) : {}),
      });
    }
  }
  return findings;
}

/** How a store is mended that is damaged by nothing but times that no store can hold. */
async function mendingOfTimes({ store, readText, mendText }: StoreView): Promise<Partial<Finding>> {
  let text: string | undefined;
  const error = await errorOf(async () => {
    text = await readText();
    await parseDocument(mendTimes(text ?? ''), store.location);
  });
  return error !== undefined || text === undefined
    ? {}
    : {
        mend: 'mesa auth doctor --fix',
        fix: async () => {
          await mendText(mendTimes);
          return [`put the nearest times that a store can hold into ${store.location}`];
        },
      };
}

/**
 * Keys in the backend that is not used, whether or not there are some in the one that is.
 * @param passing why the data directory goes soon; when it lasts, keys belong into the vault
 */
export function checkBothBackends(
  { config, stores }: Pick<Examined, 'config' | 'stores'>,
  passing: readonly string[],
): readonly Finding[] {
  if (config instanceof MesaAuthError) {
    return [];
  }
  const used = config.backend;
  const other = otherBackend(used);
  if (!isFilled(stores[other])) {
    return [];
  }
  const inForce = stores[used].entries;
  const target = passing.length === 0 ? 'encrypted-file' : used;
  return [
    {
      check: 'both_backends',
      severity: 'warning',
      what: `there are keys in ${stores[other].store.location}, but mesa uses ${used}${describeDifference(inForce, stores[other].entries)}`,
      why: isEncrypted(other)
        ? 'keys that are only there are not found, and none is replaced when those in use are'
        : 'keys lie there in plain text, and are not replaced when those of the vault are',
      mend: `mesa auth migrate --to ${target} --merge`,
    },
  ];
}

/** A store that cannot be read counts as filled. */
function isFilled({ entries, exists }: StoreView): boolean {
  return exists && (entries instanceof MesaAuthError || entries.size > 0);
}

function describeDifference(used: KeyEntries | MesaAuthError, other: KeyEntries | MesaAuthError): string {
  if (used instanceof MesaAuthError || other instanceof MesaAuthError) {
    return '';
  }
  const missing = [...other].filter(([name]) => !used.has(name)).map(([name]) => name);
  const differing = [...other]
    .filter(([name, { token }]) => used.get(name)?.token.equals(token) === false)
    .map(([name]) => name);
  const parts = [
    ...(missing.length === 0 ? [] : [`only there: ${enumerate(missing)}`]),
    ...(differing.length === 0 ? [] : [`other keys there: ${enumerate(differing)}`]),
  ];
  return parts.length === 0 ? ', which has them all' : `; ${parts.join('; ')}`;
}

function enumerate(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
