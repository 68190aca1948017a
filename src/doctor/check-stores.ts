import { BACKENDS, type Backend, type KeyEntries } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { findingFrom, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';

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

/** Keys in both backends, of which only one is used. */
export function checkBothBackends({
  config,
  stores,
}: Pick<Patient, 'config' | 'stores'>): readonly Finding[] {
  if (
    config instanceof MesaAuthError ||
    !BACKENDS.every((backend) => isFilled(stores[backend].entries, stores[backend].exists))
  ) {
    return [];
  }
  const used = config.backend;
  const other: Backend = used === 'encrypted-file' ? 'plaintext-file' : 'encrypted-file';
  return [
    {
      check: 'both_backends',
      severity: 'warning',
      what: `there are keys in ${stores[other].store.location}, but mesa uses ${used}${describeDifference(stores[used].entries, stores[other].entries)}`,
      why:
        other === 'plaintext-file'
          ? 'keys lie there in plain text, and are not replaced when those of the vault are'
          : 'keys that are only there are not found',
      mend: `mesa auth migrate --to ${used} --merge`,
    },
  ];
}

/** A store that cannot be read counts as filled. */
function isFilled(entries: KeyEntries | MesaAuthError, exists: boolean): boolean {
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
