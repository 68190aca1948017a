import type { Finding } from './finding.ts';
import type { Examined } from './examined.ts';

/** Node 20 reads and parses the certificates at every start; later versions do when they need them. */
export function checkSlowStart({
  env,
  nodeVersion,
}: Pick<Examined, 'env' | 'nodeVersion'>): readonly Finding[] {
  if ((env['NODE_EXTRA_CA_CERTS'] ?? '') === '' || !nodeVersion.startsWith('20.')) {
    return [];
  }
  return [
    {
      check: 'slow_start',
      severity: 'warning',
      what: `NODE_EXTRA_CA_CERTS is set, and this is Node ${nodeVersion}`,
      why: 'every start of mesa takes up to three times as long',
      mend: 'use Node 22 or later, or unset NODE_EXTRA_CA_CERTS where only mesa runs',
    },
  ];
}
