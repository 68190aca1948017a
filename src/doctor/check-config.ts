import { MesaAuthError } from '../errors.ts';
import { findingFrom, type Finding } from './finding.ts';
import type { Examined } from './examined.ts';

/** A config file that cannot be used. */
export function checkConfig({ config }: Pick<Examined, 'config'>): readonly Finding[] {
  return config instanceof MesaAuthError
    ? [findingFrom('config', config, 'no command that needs a store runs until this is mended')]
    : [];
}
