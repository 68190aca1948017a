import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

import { signAccessToken } from 'mesa-auth/access-token';
import { expect, it, onTestFinished } from 'vitest';

import { builtAuthority, createDatabase, runProgram } from '../test/support/authority.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 7);
const SECONDS = Number(process.env['SECONDS'] ?? 3);
const CONNECTIONS = 32;
const TARGET = 0.5;

interface Server {
  readonly url: string;
  readonly process: ChildProcess;
}

interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly credential: string;
  readonly target?: number;
}

interface Measurement {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of processor time that the server used for a request, in all of its threads. */
  readonly cpu: number;
}

it('measures /v1/whoami against a bare server that answers the same', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mesa-bench-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const sqlite = await startAuthority(directory, 'sqlite', ['--data', join(directory, 'sqlite')]);
  const postgres = await startAuthority(directory, 'postgres', [
    '--data',
    join(directory, 'postgres'),
    '--database',
    await createDatabase(),
  ]);
  const bare = await start(directory, 'bare', [join(import.meta.dirname, 'bare-server.mjs'), sqlite.answer]);
  const contenders: readonly Contender[] = [
    { name: 'bare server', server: bare, credential: sqlite.key },
    { name: 'SQLite, API key', server: sqlite.server, credential: sqlite.key, target: TARGET },
    { name: 'SQLite, access token', server: sqlite.server, credential: sqlite.token, target: TARGET },
    { name: 'PostgreSQL, API key', server: postgres.server, credential: postgres.key },
    { name: 'PostgreSQL, access token', server: postgres.server, credential: postgres.token },
  ];
  const measured = new Map<Contender, Measurement[]>(contenders.map((contender) => [contender, []]));
  // In turn, so that what disturbs one disturbs all; the first round warms up.
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [contender, results] of measured) {
      const result = await load(contender);
      if (round >= 0) {
        results.push(result);
      }
    }
  }
  const table = tableOf(measured);
  process.stdout.write(`\n${table}\n`);
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), report(table));
  expect(measured.size).toBe(contenders.length);
});

async function startAuthority(directory: string, name: string, storage: readonly string[]) {
  const init = await runProgram(['init', '--org', 'acme', ...storage]);
  const key = init.stdout.trim();
  // Its log goes to a file, as shipped.
  const server = await start(directory, name, [
    builtAuthority(),
    'serve',
    '--listen',
    '127.0.0.1:0',
    ...storage,
  ]);
  const reply = await fetch(`${server.url}/v1/whoami`, { headers: { authorization: `Bearer ${key}` } });
  const answer = await reply.text();
  const { key_id: apiKeyId } = JSON.parse(answer) as { readonly key_id: string };
  const permissions = ['read', 'write'] as const;
  const { token } = signAccessToken({ apiKeyId, apiKey: key, permissions, repos: null, ttlSeconds: 86_400 });
  return { server, key, token, answer };
}

async function start(directory: string, name: string, args: readonly string[]): Promise<Server> {
  const log = openSync(join(directory, `${name}.log`), 'w');
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', log, 'pipe'] });
  closeSync(log);
  onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const [, found] = /listens on (http:[^\s,]+)/.exec(text) ?? [];
      if (found !== undefined) {
        resolve(found);
      }
    });
    child.once('exit', () => reject(new Error(text)));
  });
  return { url, process: child };
}

async function load({ server, credential }: Contender): Promise<Measurement> {
  const before = cpuSecondsOf(server.process);
  const generator = spawn(
    process.execPath,
    [join(import.meta.dirname, 'load.mjs'), `${server.url}/v1/whoami`, String(SECONDS), String(CONNECTIONS)],
    { env: { ...process.env, CREDENTIAL: credential }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  for await (const chunk of generator.stdout) {
    text += String(chunk);
  }
  const { requests, seconds, p50, p99 } = JSON.parse(text) as Record<string, number> & {
    readonly requests: number;
    readonly seconds: number;
    readonly p50: number;
    readonly p99: number;
  };
  const cpu = ((cpuSecondsOf(server.process) - before) * 1e6) / requests;
  return { perSecond: requests / seconds, p50, p99, cpu };
}

/** User and system time of the process: fields 14 and 15 of proc(5)'s stat, in hundredths of a second. */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function tableOf(measured: ReadonlyMap<Contender, readonly Measurement[]>): string {
  const [bare = []] = measured.values();
  const rows = [...measured].map(([{ name, target }, results]) => {
    const of = (field: keyof Measurement): number => median(results.map((result) => result[field]));
    const ratio = median(results.map(({ perSecond }, round) => perSecond / (bare[round]?.perSecond ?? 0)));
    const cpuRatio = median(results.map(({ cpu }, round) => (bare[round]?.cpu ?? 0) / cpu));
    const verdict = target === undefined ? '' : `${target} ${ratio >= target ? 'reached' : 'missed'}`;
    const cells = [
      name,
      String(Math.round(of('perSecond'))),
      ratio.toFixed(2),
      verdict,
      of('p50').toFixed(2),
      of('p99').toFixed(2),
      String(Math.round(of('cpu'))),
      cpuRatio.toFixed(2),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| | requests/s | of the bare server | target | p50 ms | p99 ms | CPU µs | bare CPU / CPU |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function report(table: string): string {
  return `# GET /v1/whoami

Written by \`npm run bench\` in \`authority/\`: Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} cores, ${ROUNDS} rounds of ${SECONDS}
seconds each in turn, ${CONNECTIONS} connections, medians. One process for each server, the request log written to a file, and the
load generator a process of its own on the same machine. The bare server is Node's \`http\` and nothing else, answering
the same JSON without looking at the request. CPU is what the server's process used for one request, in all of its threads.

${table}
`;
}
