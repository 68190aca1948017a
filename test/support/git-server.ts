import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';

import { startApiServer } from './api-server.ts';
import type { TempHome } from './temp-home.ts';

export type Service = 'git-upload-pack' | 'git-receive-pack';

export interface GitAccess {
  /** `acme/web`. */
  readonly repository: string;
  readonly service: Service;
  readonly username: string;
  readonly password: string;
}

export interface GitServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Every request that brought a password. */
  readonly accesses: readonly GitAccess[];
}

/**
 * Git's own smart-HTTP server behind Basic authentication: `git http-backend`, on bare repositories that exist.
 * @param judge the status of a request that brings a password; 200 lets it through
 */
export async function startGitServer(
  home: TempHome,
  repositories: readonly string[],
  judge: (access: GitAccess) => number | Promise<number>,
): Promise<GitServer> {
  const root = join(home.path, 'srv');
  for (const repository of repositories) {
    const dir = join(root, `${repository}.git`);
    mkdirSync(dir, { recursive: true });
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', dir]);
    execFileSync('git', ['-C', dir, 'config', 'http.receivepack', 'true']);
  }
  const accesses: GitAccess[] = [];
  const { url } = await startApiServer((request, response) => {
    void answer(request, response);
  });
  return { url, accesses };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams, search } = new URL(request.url ?? '', 'http://x');
    const [, repository = '', rest = ''] = /^\/([^/]+\/[^/]+)\.git\/(.*)$/.exec(pathname) ?? [];
    const [, credentials = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const [username = '', password = ''] = Buffer.from(credentials, 'base64')
      .toString('utf8')
      .split(/:(.*)/s);
    const service = (searchParams.get('service') ?? rest) as Service;
    let status = 401;
    if (credentials !== '') {
      const access = { repository, service, username, password };
      accesses.push(access);
      status = await judge(access);
    }
    if (status !== 200) {
      response.writeHead(status, { 'www-authenticate': 'Basic realm="mesa"' }).end();
      return;
    }
    runBackend(request, response, { pathname, query: search.slice(1) });
  }

  /** RFC 3875; git-http-backend(1), "ENVIRONMENT". */
  function runBackend(
    request: IncomingMessage,
    response: ServerResponse,
    { pathname, query }: { readonly pathname: string; readonly query: string },
  ): void {
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        HOME: root,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        REQUEST_METHOD: request.method,
        PATH_INFO: pathname,
        QUERY_STRING: query,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        REMOTE_USER: 'tester',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    backend.stdin.on('error', () => undefined);
    request.pipe(backend.stdin);
    const output: Buffer[] = [];
    backend.stdout.on('data', (part: Buffer) => output.push(part));
    backend.on('close', () => {
      const all = Buffer.concat(output);
      const end = all.indexOf('\r\n\r\n');
      const headers = all
        .subarray(0, end)
        .toString('latin1')
        .split('\r\n')
        .map((line) => line.split(/: (.*)/s));
      const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
      for (const [name = '', value = ''] of headers.filter(([field]) => field !== 'Status')) {
        response.setHeader(name, value);
      }
      response.writeHead(Number.parseInt(status, 10)).end(all.subarray(end + 4));
    });
  }
}
