import { formatStoreKey } from '../../core/key-scope.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { entryJson } from '../../session/key-report.ts';
import { hintAtOtherStore } from '../../session/missing-key.ts';

export interface ListOptions {
  readonly json: boolean;
}

/** `mesa auth list`: every scope with its masked key. */
export async function runList(context: Context, options: ListOptions): Promise<void> {
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
    context.output.hint(
      (await hintAtOtherStore(context, store.backend)) ?? 'mesa auth set-key --org <organization>',
    );
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
