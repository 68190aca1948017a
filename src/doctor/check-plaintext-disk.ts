import { isEncrypted } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/**
 * Keys in plain text on a disk that lasts.
 * @param passing why the data directory goes soon; empty when it lasts
 */
export function checkPlaintextDisk(
  { config, stores }: Pick<Examined, 'config' | 'stores'>,
  passing: readonly string[],
): readonly Finding[] {
  const { exists, store, entries } = stores['plaintext-file'];
  const holdsKeys = exists && (entries instanceof MesaAuthError || entries.size > 0);
  const vault = stores['encrypted-file'];
  const isUsed = !(config instanceof MesaAuthError) && !isEncrypted(config.backend);
  if (!isUsed || !holdsKeys || passing.length > 0) {
    return [];
  }
  return [
    {
      check: 'plaintext_disk',
      severity: 'warning',
      what: `the keys in ${store.location} are not encrypted, and the disk lasts`,
      why: 'whoever gets the disk or a backup of it has the keys',
      mend: `mesa auth migrate --to encrypted-file${vault.exists ? ' --merge' : ''}`,
    },
  ];
}
