export type Style = 'red' | 'yellow' | 'green' | 'cyan' | 'bold' | 'dim';

type Environment = Readonly<Record<string, string | undefined>>;

const SGR: Readonly<Record<Style, string>> = {
  red: '31',
  yellow: '33',
  green: '32',
  cyan: '36',
  bold: '1',
  dim: '2',
};

/** FORCE_COLOR (0 and false turn colours off, as in Node), else a terminal without NO_COLOR (no-color.org). */
export function wantsColor(env: Environment, isTerminal: boolean): boolean {
  const force = env['FORCE_COLOR'] ?? '';
  const no = env['NO_COLOR'] ?? '';
  return force === '' ? no === '' && isTerminal : force !== '0' && force !== 'false';
}

export function paint(style: Style, text: string): string {
  return `\u001b[${SGR[style]}m${text}\u001b[0m`;
}
