import { BACKENDS, type Backend, type KeyEntries } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { findingFrom, type Finding } from './finding.ts';
import type { Patient, StoreView } from './patient.ts';

const MAX_NAMED = 5;

/** Stores that cannot be read, for another reason than a missing passphrase or what the check of files found. */
export function checkStores({ stores }: Pick<Patient, 'stores'>): readonly Finding[] {
  return BACKENDS.flatMap((backend) => {
    const { entries } = stores[backend];
    const isNew =
      entries instanceof MesaAuthError && !['LOCKED', 'STORE_UNSAFE', 'IO'].includes(entries.code);
    return isNew
      ? [findingFrom('stores', entries, 'its keys cannot be used, and mesa does not write to it')]
      : [];
  });
}

/**
 * Keys in the backend that is not used, whether or not there are some in the one that is.
 * @param passing why the data directory goes soon; when it lasts, keys belong into the vault
 */
export function checkBothBackends(
  { config, stores }: Pick<Patient, 'config' | 'stores'>,
  passing: readonly string[],
): readonly Finding[] {
  if (config instanceof MesaAuthError) {
    return [];
  }
  const used = config.backend;
  const other: Backend = used === 'encrypted-file' ? 'plaintext-file' : 'encrypted-file';
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
      why:
        other === 'plaintext-file'
          ? 'keys lie there in plain text, and are not replaced when those of the vault are'
          : 'keys that are only there are not found, and none is replaced when those in use are',
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
