import { isBackend } from '../../config/config.ts';
import { quoteText } from '../../core/escape-text.ts';
import { BACKENDS, type Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';

/** A backend as a flag names it. @throws USAGE */
export function parseBackend(text: string): Backend {
  if (isBackend(text)) {
    return text;
  }
  // It may be a key in the wrong place.
  const shown = /^[a-z-]{1,24}$/.test(text) ? quoteText(text) : '(not shown)';
  throw new MesaAuthError('USAGE', `unknown secrets backend ${shown}; expected ${BACKENDS.join(' or ')}`);
}
