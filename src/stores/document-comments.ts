import { parseStoreKey, type StoreKey } from '../core/key-scope.ts';
import { readComments } from '../toml/toml-comments.ts';

/** The comments about one line of a document. */
interface LineComments {
  /** Lines above it, each with its `#`. */
  readonly above: readonly string[];
  /** Behind it. */
  readonly behind: string | undefined;
}

const NO_COMMENTS: LineComments = { above: [], behind: undefined };
const VERSION = ['version'];
const KEYS = ['keys'];

/** The comments of documents, by what they are about: the version, a field, the header of an entry, or the end. */
export class DocumentComments {
  readonly #byLine = new Map<string, LineComments>();

  /** @param texts documents that can be read; what two of them say is kept once */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const earlier = new Map(this.#byLine);
      for (const { words, about, isBehind, isAtTop } of readComments(text.replace(/^\ufeff/, ''))) {
        const line = lineAbout(isAtTop ? VERSION : about);
        const { above, behind } = earlier.get(JSON.stringify(line)) ?? NO_COMMENTS;
        if (!above.includes(words) && behind !== words) {
          this.#add(line, words, isBehind);
        }
      }
    }
  }

  /** Of a field of the document, of the header `keys` or of the end, where `path` is empty. */
  of(...path: readonly string[]): LineComments {
    return this.#byLine.get(JSON.stringify(path)) ?? NO_COMMENTS;
  }

  /** What stood at the header `[keys]` of a document that will have none goes to its first entry, or to the end. */
  withoutKeysHeader(first: StoreKey | undefined): void {
    const { above, behind } = this.of(...KEYS);
    const line = first === undefined ? [] : [...KEYS, first];
    const { above: own } = this.of(...line);
    const moved = [...above, ...(behind === undefined ? [] : [behind])];
    if (moved.length > 0) {
      this.#byLine.set(JSON.stringify(line), { ...this.of(...line), above: [...moved, ...own] });
    }
  }

  #add(line: readonly string[], words: string, isBehind: boolean): void {
    const present = this.of(...line);
    this.#byLine.set(
      JSON.stringify(line),
      isBehind && present.behind === undefined
        ? { ...present, behind: words }
        : { ...present, above: [...present.above, words] },
    );
  }
}

/** The line that `formatDocument` writes for what a comment is about: an unknown table, say, is one line there. */
function lineAbout(path: readonly string[] | undefined): readonly string[] {
  const [first, name, field] = path ?? [];
  if (first === undefined) {
    return [];
  }
  if (first !== 'keys' || name === undefined) {
    return [first];
  }
  return parseStoreKey(name) === undefined || field === undefined ? [first, name] : [first, name, field];
}
