import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

import { answerJson, IDENTITY } from './api-server.ts';
import type { TempHome } from './temp-home.ts';

export interface ProxiedApi {
  /** The certificate that its host shows, for NODE_EXTRA_CA_CERTS. */
  readonly certificate: string;
  /** `http://127.0.0.1:<port>`. */
  readonly proxy: string;
  /** The first line that each connection to the proxy sent. */
  readonly connects: readonly string[];
  /** The `Authorization` of each request that came through. */
  readonly credentials: readonly (string | undefined)[];
}

/** An API at `https://<host>`, a name that nobody can resolve, behind an HTTP proxy that knows the way. */
export async function startProxiedApi(home: TempHome, host: string): Promise<ProxiedApi> {
  const [key, certificate] = [join(home.path, 'key.pem'), join(home.path, 'certificate.pem')];
  execFileSync(
    'openssl',
    // Each word is one argument: no name here has a space in it.
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${host} -addext subjectAltName=DNS:${host} -keyout ${key} -out ${certificate}`.split(
      ' ',
    ),
    { stdio: 'pipe' },
  );
  const credentials: (string | undefined)[] = [];
  const api = createTlsServer(
    { key: readFileSync(key), cert: readFileSync(certificate) },
    (request, response) => {
      credentials.push(request.headers.authorization);
      answerJson(response, 200, IDENTITY);
    },
  );
  const apiPort = await listen(api);
  const connects: string[] = [];
  const proxy = createServer((client) => {
    client.once('data', (data) => {
      connects.push(data.toString('latin1').split('\r\n')[0] ?? '');
      const upstream = connect(apiPort, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
  });
  return { certificate, proxy: `http://127.0.0.1:${await listen(proxy)}`, connects, credentials };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
