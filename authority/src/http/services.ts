import type { IncomingMessage, ServerResponse } from 'node:http';

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';

import type { Authenticate } from '../authentication/authenticate.ts';
import type { FailedAttempts } from '../authentication/failed-attempts.ts';
import type { LastUses } from '../authentication/last-uses.ts';
import type { Database } from '../database/schema.ts';
import type { GitRoot } from '../git/git-root.ts';
import type { PackServices } from '../git/pack-service.ts';
import type { Sealer } from '../secrets/sealer.ts';

/** What requests work with. */
export interface Services {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly gitRoot: GitRoot;
  readonly packServices: PackServices;
  readonly authenticate: Authenticate;
  readonly failedAttempts: FailedAttempts;
  readonly lastUses: LastUses;
  readonly now: () => Date;
}

/** The server, for who starts and stops it. */
export type App = FastifyInstance;

/** Fastify with requests and replies typed by their schemas. */
export type RestApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
