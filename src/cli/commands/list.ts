import { formatStoreKey } from '../../core/key-scope.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { entryJson } from '../../session/key-report.ts';
import { firstKeyCommand, hintAtOtherStore } from '../../session/missing-key.ts';
import { JSON_FLAG, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'list'],
  description: 'show every scope with its masked key',
  examples: ['mesa auth list', 'mesa auth list --json'],
  flags: [JSON_FLAG],
  run: (context, flags) => runList(context, { json: flags.has('json') }),
};

interface ListOptions {
  readonly json: boolean;
}

/** `mesa auth list`: every scope with its masked key. */
async function runList(context: Context, options: ListOptions): Promise<void> {
  const { store } = await beginCommand(context);
  const entries = [...(await store.read()).values()];
  if (options.json) {
    context.output.json({
      backend: store.backend,
      location: store.location,
      keys: entries.map(entryJson),
    });
    return;
  }
  if (entries.length === 0) {
    context.output.note(`no keys in ${store.backend}`);
    context.output.hint((await hintAtOtherStore(context, store.backend)) ?? firstKeyCommand(context));
    return;
  }
  context.output.table(
    ['SCOPE', 'KEY', 'ADDED'],
    entries.map(({ scope, token, added }) => [
      formatStoreKey(scope),
      token.masked(),
      added?.toISOString().slice(0, 'YYYY-MM-DD'.length) ?? '-',
    ]),
  );
}
