import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { builtProgram } from '../../scripts/built-from.mjs';

/** A key as the server lists it. */
export interface ListedKey {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly string[];
  readonly repo_ids: readonly string[] | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

/** A real server with the organization `acme`. */
export interface Authority {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Of the organization `acme`. */
  readonly adminKey: string;
  /** A new key, made with that one. */
  createKey(
    order?: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly id: string; readonly key: string }>;
  /** Makes a repository, and gives its id. */
  createRepo(name: string): Promise<string>;
  revoke(id: string): Promise<void>;
  /** Every key that is not revoked. */
  activeKeys(): Promise<readonly ListedKey[]>;
  /** The id of a key that the server accepts. */
  idOf(key: string): Promise<string | undefined>;
  /** Everything that it has written so far. */
  output(): string;
  stop(): Promise<void>;
}

async function expectJson<T>(response: Response): Promise<T> {
  const answer = (await response.json()) as T;
  if (!response.ok) {
    throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  }
  return answer;
}

/** Starts `mesa-authority` on SQLite in a temporary directory. It has to be stopped. */
export async function startAuthority(): Promise<Authority> {
  const directory = mkdtempSync(join(tmpdir(), 'mesa-authority-'));
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
  const init = ['init', '--org', 'acme', '--data', directory];
  const program = builtProgram('authority');
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...init], { env });
  const adminKey = stdout.trim();
  const serve = ['serve', '--listen', '127.0.0.1:0', '--data', directory, '--failed-attempts', '100000'];
  const child = spawn(process.execPath, [program, ...serve], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  let text = '';
  const url = await new Promise<string>((done, reject) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      const found = /listens on (http:\/\/\S+),/.exec(text)?.[1];
      if (found !== undefined) {
        done(found);
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(() => reject(new Error(`the server ended: ${text}`)));
  });

  const ask = async (method: string, path: string, body?: unknown, key = adminKey): Promise<Response> =>
    fetch(`${url}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url,
    adminKey,
    createKey: async (order = {}) => expectJson(await ask('POST', '/acme/api-keys', order)),
    createRepo: async (name) => {
      const { id } = await expectJson<{ id: string }>(await ask('POST', '/acme/repos', { name }));
      return id;
    },
    revoke: async (id) => {
      await expectJson(await ask('DELETE', `/acme/api-keys/${id}`));
    },
    activeKeys: async () => {
      const keys: ListedKey[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const after = cursor === '' ? '' : `&cursor=${cursor}`;
        const page: { api_keys: ListedKey[]; next_cursor: string | null } = await expectJson(
          await ask('GET', `/acme/api-keys?status=active&limit=100${after}`),
        );
        keys.push(...page.api_keys);
        cursor = page.next_cursor;
      }
      return keys;
    },
    idOf: async (key) => {
      const response = await ask('GET', '/whoami', undefined, key);
      const { key_id: id } = (await response.json()) as { key_id?: string };
      return response.ok ? id : undefined;
    },
    output: () => text,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
