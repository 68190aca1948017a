import { paint, type Style } from '../../session/style.ts';

/**
 * How the questions look. The library's own theme decides about colour when it is loaded, by stdout, and in older
 * versions of Node without looking at NO_COLOR; the questions are not on stdout.
 */
export function promptTheme(color: boolean) {
  const styled = (style: Style) => (text: string) => (color ? paint(style, text) : text);
  return {
    prefix: { idle: styled('cyan')('?'), done: styled('green')('✔') },
    style: {
      answer: styled('cyan'),
      message: styled('bold'),
      error: (text: string) => styled('red')(`> ${text}`),
      help: styled('dim'),
      highlight: styled('cyan'),
      keysHelpTip: (keys: readonly (readonly [string, string])[]) =>
        styled('dim')(keys.map(([key, action]) => `${key} ${action}`).join(', ')),
    },
  };
}
