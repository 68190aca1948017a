import { readPrivateFile } from '../platform/private-file.ts';
import { parseVaultHeader } from '../vault/header.ts';
import { DEFAULT_WORK_FACTOR } from '../vault/vault-codec.ts';
import { errorOf, type Finding } from './finding.ts';
import type { Examined } from './examined.ts';

/** A vault that is cheaper to guess at than a new one. Other checks tell of one that cannot be read. */
export async function checkWorkFactor({ paths }: Pick<Examined, 'paths'>): Promise<readonly Finding[]> {
  const path = paths.encryptedStore;
  let workFactor = DEFAULT_WORK_FACTOR;
  await errorOf(() => {
    const bytes = readPrivateFile(path, () => undefined, 'leave');
    workFactor = bytes === undefined ? DEFAULT_WORK_FACTOR : parseVaultHeader(bytes, path).workFactor;
  });
  if (workFactor >= DEFAULT_WORK_FACTOR) {
    return [];
  }
  return [
    {
      check: 'work_factor',
      severity: 'warning',
      what: `the vault ${path} has work factor ${workFactor}; new ones have ${DEFAULT_WORK_FACTOR}`,
      why: `guessing its passphrase costs ${2 ** (DEFAULT_WORK_FACTOR - workFactor)} times less than it could`,
      mend: 'mesa auth change-passphrase',
    },
  ];
}
