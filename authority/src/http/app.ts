import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from 'fastify';

import { ApiError } from '../errors.ts';
import { addCare, onClientError } from './care.ts';
import { errorBody, sendError } from './error-reply.ts';
import { newRequestId } from './request-id.ts';
import { addRequestLog, loggerOfRequest } from './request-log.ts';
import { addRestAuthentication } from './rest-authentication.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import { gitRoutes } from './routes/git.ts';
import { healthRoutes } from './routes/health.ts';
import { organizationRoutes } from './routes/organization.ts';
import { repositoryRoutes } from './routes/repositories.ts';
import { whoamiRoutes } from './routes/whoami.ts';
import type { RestApp, Services } from './services.ts';
import { compileValidator } from './validators.ts';

/** A token is at most 16,384 characters long (contract section 8), and is not the only header. */
const MAX_HEADER_BYTES = 32 * 1_024;
/** REST bodies are small; git's are streamed and not counted here. */
const BODY_LIMIT_BYTES = 64 * 1_024;
const HEADERS_TIMEOUT_MS = 15_000;
/** Without a byte in either direction; git sends one every five seconds while it works. */
const IDLE_TIMEOUT_MS = 120_000;
/** Longer than proxies keep theirs, so that they never send into a connection that is being closed. */
const KEEP_ALIVE_MS = 75_000;

export interface AppOptions {
  /** False logs nothing. */
  readonly logger: FastifyBaseLogger | false;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  readonly proxies: readonly string[];
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Called before the routes are added: openapi.json is made from them. */
  readonly beforeRoutes?: ((app: FastifyInstance) => Promise<void>) | undefined;
}

/** The server, not yet listening: REST under /v1, git and health beside it. */
export async function createApp(services: Services, options: AppOptions): Promise<FastifyInstance> {
  const app = fastify(serverOptions(options));
  // Fastify has no option for it.
  app.server.headersTimeout = HEADERS_TIMEOUT_MS;
  app.setChildLoggerFactory(loggerOfRequest);
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody(new ApiError('NOT_FOUND', 'There is no such path'), request.id)),
  );
  addCare(app);
  addRequestLog(app);
  await options.beforeRoutes?.(app);
  healthRoutes(app, services);
  await app.register(
    async (rest) => {
      addRestAuthentication(rest, services);
      const typed: RestApp = rest.withTypeProvider<TypeBoxTypeProvider>();
      whoamiRoutes(typed);
      apiKeyRoutes(typed, services);
      repositoryRoutes(typed, services);
      organizationRoutes(typed, services);
    },
    { prefix: '/v1' },
  );
  await app.register(async (git) => gitRoutes(git, services));
  return app;
}

function serverOptions({ logger, proxies, tls }: AppOptions): FastifyServerOptions {
  const limits = { maxHeaderSize: MAX_HEADER_BYTES };
  const options = {
    ...(logger === false ? { logger: false } : { loggerInstance: logger }),
    // One line for each request is written by request-log.ts.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newRequestId,
    requestIdHeader: false,
    trustProxy: proxies.length === 0 ? false : [...proxies],
    bodyLimit: BODY_LIMIT_BYTES,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Of whole requests, and a push may take hours: care.ts limits REST bodies instead.
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    clientErrorHandler: onClientError,
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tls, minVersion: 'TLSv1.2' } }),
  } as const;
  return options;
}
