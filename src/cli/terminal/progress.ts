import type { Context } from '../../session/context.ts';

const SHOWN_AFTER_MS = 700;
const FRAME_MS = 120;
const FRAMES = ['|', '/', '-', '\\'];
/** Back to the start of the line, and clear it: ECMA-48, EL. */
export const CLEAR_LINE = '\r\u001b[K';

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
  const stop = showProgress((frame) => stderr.write(frame), text, SHOWN_AFTER_MS);
  try {
    return await work();
  } finally {
    stop();
  }
}

/**
 * Shows on one line of a terminal that work is under way.
 * @param afterMs milliseconds until there is something to see
 * @returns what ends it, and clears the line
 */
export function showProgress(write: (frame: string) => unknown, text: string, afterMs: number): () => void {
  let shown = 0;
  const show = (): void => {
    // The cursor stays in front, so that whatever else is written begins a line.
    write(`${CLEAR_LINE}${FRAMES[shown % FRAMES.length]} ${text}\r`);
    shown += 1;
  };
  let frames: NodeJS.Timeout | undefined;
  const begin = (): void => {
    show();
    frames = setInterval(show, FRAME_MS);
  };
  const start = afterMs === 0 ? undefined : setTimeout(begin, afterMs);
  if (afterMs === 0) {
    begin();
  }
  return () => {
    clearTimeout(start);
    clearInterval(frames);
    if (shown > 0) {
      write(CLEAR_LINE);
    }
  };
}
