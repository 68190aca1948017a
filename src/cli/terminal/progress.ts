import type { Context } from '../../session/context.ts';

const SHOWN_AFTER_MS = 700;
const FRAME_MS = 120;
const FRAMES = ['|', '/', '-', '\\'];
/** Back to the start of the line, and clear it: ECMA-48, EL. */
const CLEAR_LINE = '\r\u001b[K';

/**
 * Shows on a terminal that work is under way, once it takes long enough to wonder. Nothing stays of it, and where nobody
 * watches there is none.
 * @param text what is being done, as `asking the server`
 */
export async function withProgress<T>(
  context: Pick<Context, 'host'>,
  text: string,
  work: () => Promise<T>,
): Promise<T> {
  const { stderr } = context.host;
  if (!stderr.isTerminal) {
    return work();
  }
  let shown = 0;
  const show = (): void => {
    stderr.write(`${CLEAR_LINE}${FRAMES[shown % FRAMES.length]} ${text}`);
    shown += 1;
  };
  let frames: NodeJS.Timeout | undefined;
  const start = setTimeout(() => {
    show();
    frames = setInterval(show, FRAME_MS);
  }, SHOWN_AFTER_MS);
  try {
    return await work();
  } finally {
    clearTimeout(start);
    clearInterval(frames);
    if (shown > 0) {
      stderr.write(CLEAR_LINE);
    }
  }
}
