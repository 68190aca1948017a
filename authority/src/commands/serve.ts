import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';

import { type Command, InvalidArgumentError, Option } from 'commander';
import ipaddr from 'ipaddr.js';

import { createAuthenticate } from '../authentication/authenticate.ts';
import { createFailedAttempts } from '../authentication/failed-attempts.ts';
import { createLastUses } from '../authentication/last-uses.ts';
import { storeLastUses } from '../database/api-keys.ts';
import { usableKeys } from '../database/usable-keys.ts';
import { codeOf, OperatorError, UsageError } from '../errors.ts';
import { openGitRoot } from '../git/git-root.ts';
import { createPackServices } from '../git/pack-service.ts';
import { requireGit } from '../git/run-git.ts';
import { createApp } from '../http/app.ts';
import { LogDestination } from './log-destination.ts';
import { createLogger } from './logger.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { addStorageOptions, dataDirectory, openStorage, type StorageOptions } from './storage-options.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

interface ServeOptions extends StorageOptions {
  readonly listen: Address;
  readonly gitRoot?: string | undefined;
  readonly maxPush: number;
  readonly gitProcesses: number;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly insecureHttp: boolean;
  readonly proxy: readonly string[];
  readonly failedAttempts: number;
  readonly log: 'requests' | 'errors';
}

export function addServe(program: Command): void {
  addStorageOptions(program.command('serve'))
    .summary('answer REST and git requests')
    .description(
      'Answers REST requests under /v1, git requests at /{org}/{repo}.git and GET /health. Logs a line of JSON for each\n' +
        'request to standard output, never a credential. SIGTERM and SIGINT end it when the requests under way are done.',
    )
    .option('--listen <address>', 'host:port; port 0 takes a free one', parseAddress, {
      host: '127.0.0.1',
      port: 4477,
    })
    .option('--git-root <dir>', 'where the repositories are (default: git in the data directory)')
    .addOption(
      new Option('--max-push <size>', 'the largest pack that a push may send, as 500m or 2g')
        .argParser(parseSize)
        .default(2 * 1_024 ** 3, '2g'),
    )
    .option(
      '--git-processes <n>',
      'how many clones, fetches and pushes are served at once; more wait for 30 seconds at most',
      parseCount,
      32,
    )
    .option('--tls-cert <file>', 'certificate chain in PEM, for HTTPS')
    .option('--tls-key <file>', 'its private key in PEM')
    .option('--insecure-http', 'allow plain HTTP on other addresses than loopback', false)
    .option(
      '--proxy <address>',
      'address or network of a proxy in front, which does TLS and sets X-Forwarded-For; can be given several times',
      (value: string, previous: readonly string[]) => [...previous, parseNetwork(value)],
      [],
    )
    .option(
      '--failed-attempts <n>',
      'how many refused credentials per address and minute are answered',
      parseCount,
      30,
    )
    .option('--log <what>', 'requests or errors', parseLog, 'requests')
    .addHelpText(
      'after',
      '\nExamples:\n  mesa-authority serve\n' +
        '  mesa-authority serve --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem\n' +
        '  MESA_AUTHORITY_DATABASE=postgres://mesa@db/mesa mesa-authority serve --git-root /srv/git --proxy 10.0.0.0/8',
    )
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const tls = readTls(options);
  requireSafeTransport(options, tls !== undefined);
  // Neither of them waits for a reader: a server has others to serve.
  const messages = new LogDestination(process.stderr.fd, 0);
  const logger = createLogger(options.log === 'requests' ? 'info' : 'error', (code) =>
    messages.write(`mesa-authority: the log cannot be written to standard output: ${code}\n`),
  );
  await requireGit();
  const onLost = (error: Error): void =>
    logger.warn({ reason: error.message }, 'a database connection was lost');
  const { db, sealer } = await openStorage(options, { onLost });
  const gitRoot = await openGitRoot(resolve(options.gitRoot ?? join(dataDirectory(options), 'git')));
  const lastUses = createLastUses(
    (uses) => storeLastUses(db, uses),
    (error) => logger.warn({ err: error }, 'the times of last use could not be written'),
  );
  const services = {
    db,
    sealer,
    gitRoot,
    packServices: createPackServices({
      maxPushBytes: options.maxPush,
      processes: options.gitProcesses,
      onFailure: (failure) => logger.warn({ reason: failure.message }, 'git failed'),
    }),
    lastUses,
    authenticate: createAuthenticate(usableKeys(db), sealer),
    failedAttempts: createFailedAttempts(options.failedAttempts),
    now: () => new Date(),
  };
  const app = await createApp(services, { logger, proxies: options.proxy, tls });
  app.addHook('onClose', async () => {
    await lastUses.stop();
    await db.destroy();
  });
  try {
    await app.listen(options.listen);
  } catch (error) {
    await app.close();
    throw new OperatorError(
      `cannot listen on ${formatAddress(options.listen)}: ${codeOf(error) ?? 'unknown error'}`,
    );
  }
  const { port } = app.server.address() as { readonly port: number };
  const url = `${tls === undefined ? 'http' : 'https'}://${formatAddress({ ...options.listen, port })}`;
  const stopped = stopOnSignals(app);
  messages.write(`mesa-authority listens on ${url}, REST under ${url}/v1\n`);
  await stopped;
}

function readTls({ tlsCert, tlsKey }: ServeOptions): { cert: Buffer; key: Buffer } | undefined {
  if (tlsCert === undefined && tlsKey === undefined) {
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError('--tls-cert and --tls-key belong together');
  }
  return { cert: readPem(tlsCert), key: readPem(tlsKey) };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new OperatorError(`cannot read ${path}: ${codeOf(error) ?? 'unknown error'}`);
  }
}

/** Keys travel in requests: in the clear only where nobody else can listen, or the operator says so. */
function requireSafeTransport({ listen, insecureHttp, proxy }: ServeOptions, hasTls: boolean): void {
  const isLoopback =
    listen.host === 'localhost' ||
    (isIP(listen.host) !== 0 && ipaddr.process(listen.host).range() === 'loopback');
  if (!hasTls && !isLoopback && !insecureHttp && proxy.length === 0) {
    throw new UsageError(
      `plain HTTP on ${listen.host} would show API keys to the network`,
      'give --tls-cert and --tls-key, or --proxy ADDRESS for one that does TLS, or --insecure-http',
    );
  }
}

function parseAddress(text: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new InvalidArgumentError('It is host:port, as 127.0.0.1:4477 or [::1]:4477.');
  }
  return { host, port: Number(port) };
}

function parseNetwork(text: string): string {
  if (!ipaddr.isValid(text) && !ipaddr.isValidCIDR(text)) {
    throw new InvalidArgumentError('It is an IP address or network, as 10.0.0.1 or 10.0.0.0/8.');
  }
  return text;
}

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) {
    throw new InvalidArgumentError('It is a number of 1 or more.');
  }
  return count;
}

/** Bytes, with the units of git-config(1). */
function parseSize(text: string): number {
  const [, digits, unit = ''] = /^([1-9]\d{0,8})([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined) {
    throw new InvalidArgumentError('It is a number of bytes, or with k, m or g: 500m.');
  }
  return Number(digits) * 1_024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
}

function parseLog(text: string): string {
  if (text !== 'requests' && text !== 'errors') {
    throw new InvalidArgumentError('It is requests or errors.');
  }
  return text;
}

function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
