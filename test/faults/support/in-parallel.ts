import { availableParallelism } from 'node:os';

/** Works through a list with one worker per core, each of which makes and keeps something of its own first. */
export async function inParallel<Item, Own>(
  items: Iterable<Item>,
  make: () => Own,
  work: (item: Item, own: Own) => Promise<void>,
): Promise<void> {
  const queue = [...items].toReversed();
  const worker = async (): Promise<void> => {
    const own = make();
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
      await work(item, own);
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
}
