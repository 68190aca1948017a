import { quoteText } from '../core/escape-text.ts';
import type { UnknownSetting } from './settings.ts';

// What is longer, or holds other characters, may be a secret in the wrong place.
const SHOWN = /^[A-Za-z0-9_.-]{1,40}$/;

/** `config.toml:3: unknown setting 'audt' in [secrets]; did you mean audit?` */
export function describeUnknownSetting(file: string, { name, line, meant }: UnknownSetting): string {
  const where = line === undefined ? file : `${file}:${line}`;
  const what = SHOWN.test(name) ? `unknown setting ${quoteText(name)}` : 'an unknown setting';
  return `${where}: ${what} in [secrets] has no effect${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}
