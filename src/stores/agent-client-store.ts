import { askAgent, sleep, type Failure } from '../agent/client.ts';
import { formatApply, formatRequest } from '../agent/format-request.ts';
import type { Reply, Request } from '../agent/protocol.ts';
import type { AgentPlace } from '../agent/socket-path.ts';
import { readClocks, elapsed, type Moment } from '../agent/two-clocks.ts';
import { compareScopes, formatStoreKey, type KeyScope } from '../core/key-scope.ts';
import type {
  Change,
  ChangeOutcome,
  KeyEntries,
  KeyEntry,
  OnReplaced,
  SecretStore,
} from '../core/secret-store.ts';
import type { Warn } from '../platform/private-file.ts';

export interface AgentClientStoreOptions {
  /** The vault's file. */
  readonly path: string;
  readonly place: AgentPlace;
  readonly warn: Warn;
  /** The same vault, opened with the passphrase. */
  readonly open: () => Promise<SecretStore>;
}

const ASK_AGAIN_MS = 50;
/**
 * How long to ask again. An agent closes connections when there are too many of them, or when it ends. A busy one derives
 * a key or waits for another writer: opening the vault here would take as long, and somebody would have to type.
 */
const PATIENCE_MS: Partial<Record<Failure | 'busy', number>> = { busy: 30_000, broken: 1_000 };
const NOTICE_AFTER_MS = 5_000;
/** How often a list may change while its pages are fetched. */
const MAX_RESTARTS = 5;
/** Of a list, all restarts included. The largest vault has 350: 16 MiB, in lines of which a key leaves 16 KiB empty at most. */
const MAX_PAGES = 500;
/** For all pages together; one takes a few milliseconds. */
const LIST_LIMIT_MS = 5_000;

const NO_AGENT: Readonly<Record<Failure | 'busy', string>> = {
  dead: 'the unlock agent is gone',
  broken: 'the unlock agent closes its connections',
  silent: 'the unlock agent does not answer',
  'other-version': 'the unlock agent is of another version of mesa; to replace it: mesa auth unlock',
  busy: 'the unlock agent has been busy for half a minute',
};

/** What a change that was done without our knowing gives when it is done again and finds nothing to do. */
const DONE_BEFORE: Readonly<Record<string, ChangeOutcome>> = {
  remove: 'removed',
  undo: 'undone',
  forget: 'forgotten',
};

/**
 * The vault through the agent, which knows the passphrase. Whatever keeps the agent from answering, the vault itself is
 * opened instead, and asks for its passphrase. A write that was sent and not answered may have been done or not; then it
 * is done again, which for a set is the same; a remove, an undo or a forget that finds nothing is taken for done.
 */
export class AgentClientStore implements SecretStore {
  readonly backend = 'encrypted-file';
  readonly location: string;
  readonly #options: AgentClientStoreOptions;
  #vault: Promise<SecretStore> | undefined;
  /** Whether a write may have been done without our knowing. */
  #uncertain = false;

  constructor(options: AgentClientStoreOptions) {
    this.location = options.path;
    this.#options = options;
  }

  async read(scopes?: readonly KeyScope[]): Promise<KeyEntries> {
    const entries = this.#vault === undefined ? await this.#readThroughAgent(scopes) : undefined;
    return entries ?? (await this.#open()).read(scopes);
  }

  async apply(changes: readonly Change[], onReplaced?: OnReplaced): Promise<readonly ChangeOutcome[]> {
    this.#uncertain = false;
    const outcomes =
      (this.#vault === undefined ? await this.#applyThroughAgent(changes, onReplaced) : undefined) ??
      (await (await this.#open()).apply(changes, onReplaced));
    return this.#uncertain
      ? outcomes.map((outcome, index) =>
          outcome === 'absent' ? (DONE_BEFORE[changes[index]?.kind ?? ''] ?? outcome) : outcome,
        )
      : outcomes;
  }

  #open(): Promise<SecretStore> {
    this.#vault ??= this.#options.open();
    return this.#vault;
  }

  async #readThroughAgent(scopes: readonly KeyScope[] | undefined): Promise<KeyEntries | undefined> {
    const { path } = this.#options;
    if (scopes === undefined) {
      return this.#listThroughAgent();
    }
    const reply = await this.#request({ type: 'read', vault: path, scopes });
    return reply?.type === 'entries' && !reply.more ? toEntries(reply.entries) : undefined;
  }

  /** Page by page. Whatever answers, this ends: each page goes on where the last one ended, and both pages and time are limited. */
  async #listThroughAgent(): Promise<KeyEntries | undefined> {
    const { path, warn } = this.#options;
    let revision: string | undefined;
    let entries: KeyEntry[] = [];
    let restarts = 0;
    let first: Moment | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const last = entries.at(-1);
      const after = last === undefined ? undefined : formatStoreKey(last.scope);
      const reply = await this.#request({ type: 'list', vault: path, after });
      if (reply?.type !== 'entries') {
        return undefined;
      }
      // Before the first page an agent may have to derive a key.
      first ??= readClocks();
      if (last !== undefined && reply.revision !== revision) {
        restarts += 1;
        entries = [];
      } else if (follows(last, reply.entries) && !(reply.more && reply.entries.length === 0)) {
        ({ revision } = reply);
        entries.push(...reply.entries);
        if (!reply.more) {
          return toEntries(entries);
        }
      } else {
        break;
      }
      if (restarts > MAX_RESTARTS || elapsed(first, readClocks()) > LIST_LIMIT_MS) {
        break;
      }
    }
    warn(
      restarts > MAX_RESTARTS
        ? 'the vault changes all the time; it is opened without the unlock agent, and needs its passphrase'
        : `${NO_AGENT['other-version']}; the vault needs its passphrase`,
    );
    return undefined;
  }

  async #applyThroughAgent(
    changes: readonly Change[],
    onReplaced: OnReplaced | undefined,
  ): Promise<readonly ChangeOutcome[] | undefined> {
    const { path } = this.#options;
    const lines = () => formatApply(path, changes, readClocks());
    const reply = lines() === undefined ? undefined : await this.#ask(() => lines() ?? []);
    if (reply?.type !== 'outcomes' || reply.outcomes.length !== changes.length) {
      return undefined;
    }
    reply.replacements.forEach((replacement) => onReplaced?.(replacement));
    return reply.outcomes;
  }

  #request(request: Request): Promise<Reply | undefined> {
    const line = formatRequest(request);
    return this.#ask(() => [line]);
  }

  /**
   * Asks until the agent is no longer busy; see PATIENCE_MS. A connection that is closed without an answer is one of too
   * many, or that of an agent that just ended, which the next one tells.
   * @returns undefined when the vault itself is to be opened
   * @throws what the store threw there
   */
  async #ask(lines: () => readonly string[]): Promise<Reply | undefined> {
    const { place, warn } = this.#options;
    const started = readClocks();
    for (;;) {
      const { failure, reply } = await askAgent(place, lines());
      this.#uncertain ||= failure !== undefined && failure !== 'dead';
      const problem = failure ?? (reply.type === 'busy' ? 'busy' : undefined);
      if (problem === undefined && reply !== undefined) {
        return this.#judge(reply);
      }
      const patience = PATIENCE_MS[problem ?? 'broken'] ?? 0;
      if (elapsed(started, readClocks()) >= patience) {
        warn(`${NO_AGENT[problem ?? 'broken']}; the vault needs its passphrase`);
        if (problem === 'dead') {
          const { removeDeadSocket } = await import('../agent/control.ts');
          await removeDeadSocket(place);
        }
        return undefined;
      }
      if (elapsed(started, readClocks()) > NOTICE_AFTER_MS) {
        warn('the unlock agent is busy; waiting for it');
      }
      await sleep(ASK_AGAIN_MS);
    }
  }

  #judge(reply: Reply): Reply | undefined {
    const { warn } = this.#options;
    switch (reply.type) {
      case 'entries':
      case 'outcomes':
        reply.warnings.forEach((warning) => warn(warning));
        return reply;
      case 'failed':
        reply.warnings.forEach((warning) => warn(warning));
        throw reply.error;
      case 'refused':
        if (reply.reason === 'version') {
          warn(`${NO_AGENT['other-version']}; the vault needs its passphrase`);
        }
        return undefined;
      case 'locked':
      case 'busy':
      case 'status':
        return undefined;
    }
  }
}

/** Whether these entries come one after the other in listing order, all of them behind `last`. */
function follows(last: KeyEntry | undefined, entries: readonly KeyEntry[]): boolean {
  let before = last;
  for (const entry of entries) {
    if (before !== undefined && compareScopes(before.scope, entry.scope) >= 0) {
      return false;
    }
    before = entry;
  }
  return true;
}

function toEntries(entries: readonly KeyEntry[]): KeyEntries {
  return new Map(entries.map((entry) => [formatStoreKey(entry.scope), entry]));
}
