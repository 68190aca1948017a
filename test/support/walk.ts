import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runMesa, type RunOptions } from './run-mesa.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What Node writes for NODE_V8_COVERAGE. */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** The source files of which a command line executes a function, sorted, as `src/main.ts`: those that a reader opens. */
export async function walk(args: readonly string[], options: RunOptions): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'mesa-walk-'));
  try {
    // Its own loader gives Node no source maps, so the bundle itself is started.
    const script = join(ROOT, 'dist/start.cjs');
    await runMesa(args, { ...options, script, env: { ...options.env, NODE_V8_COVERAGE: dir } });
    const files = readdirSync(dir).flatMap((name) =>
      executedFiles(JSON.parse(readFileSync(join(dir, name), 'utf8')) as Coverage),
    );
    return [...new Set(files)].toSorted();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function executedFiles({ result }: Coverage): readonly string[] {
  return result.flatMap(({ url, functions }) => {
    const path = url.startsWith('file:') ? fileURLToPath(url) : '';
    if (!path.startsWith(join(ROOT, 'dist')) || !existsSync(`${path}.map`)) {
      return [];
    }
    const lines = readFileSync(path, 'utf8').split('\n');
    const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
    return functions.flatMap(({ ranges: [range] }) => {
      // The whole of a file is a function, too, which begins at 0.
      if (range === undefined || range.count === 0 || range.startOffset === 0) {
        return [];
      }
      const entry = map.findEntry(...positionOf(lines, range.startOffset));
      const source = 'originalSource' in entry ? resolve(dirname(path), entry.originalSource) : '';
      const file = relative(ROOT, source);
      return file.startsWith('src/') ? [file] : [];
    });
  });
}

/** Line and column, from 0. */
function positionOf(lines: readonly string[], offset: number): [number, number] {
  let start = 0;
  for (const [line, text] of lines.entries()) {
    if (offset <= start + text.length) {
      return [line, offset - start];
    }
    start += text.length + 1;
  }
  return [lines.length, 0];
}
