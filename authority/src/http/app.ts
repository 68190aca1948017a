import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import {
  fastify,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';

import { ApiError } from '../errors.ts';
import { onClientError } from './client-error.ts';
import { errorBody, sendError } from './error-reply.ts';
import { addReplyHeaders } from './headers.ts';
import { acceptJsonBodies } from './json-body.ts';
import { limitBodyTime } from './limits.ts';
import { refuseOtherMethods } from './other-methods.ts';
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
/** Without a byte in either direction; git sends one every five seconds while it works. */
const IDLE_TIMEOUT_MS = 120_000;
/** Longer than proxies keep theirs, so that they never send into a connection that is being closed. */
const KEEP_ALIVE_MS = 75_000;

/** How long a client may take, in milliseconds. */
export interface TimeLimits {
  /** For the headers of a request, from the first byte or the connection on. */
  readonly headers: number;
  /** For a REST body, which is at most 64 KiB: whoever takes longer is not sending one. */
  readonly body: number;
}

const TIME_LIMITS: TimeLimits = { headers: 15_000, body: 20_000 };

export interface AppOptions {
  /** False logs nothing. */
  readonly logger: FastifyBaseLogger | false;
  /** Addresses and networks of proxies whose X-Forwarded-For is believed. */
  readonly proxies: readonly string[];
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly timeLimits?: TimeLimits | undefined;
  /** Called before the routes are added: openapi.json is made from them. */
  readonly beforeRoutes?: ((app: FastifyInstance) => Promise<void>) | undefined;
}

/** The server, not yet listening: REST under /v1, git and health beside it. */
export async function createApp(services: Services, options: AppOptions): Promise<FastifyInstance> {
  const timeLimits = options.timeLimits ?? TIME_LIMITS;
  const app = fastify(serverOptions(options, timeLimits));
  app.setChildLoggerFactory(loggerOfRequest);
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send(errorBody(new ApiError('NOT_FOUND', 'There is no such path'), request.id)),
  );
  addReplyHeaders(app);
  app.addHook('onRequest', (request, _reply, done) => {
    // Git's bodies may take hours.
    if (request.is404 || /^\/(?:v1|health)/.test(request.routeOptions.url ?? '')) {
      limitBodyTime(request, timeLimits.body);
    }
    done();
  });
  addRequestLog(app);
  await options.beforeRoutes?.(app);
  await app.register(async (health) => {
    const refuse = refuseOtherMethods(health);
    healthRoutes(health, services);
    refuse();
  });
  await app.register(
    async (rest) => {
      acceptJsonBodies(rest);
      const refuse = refuseOtherMethods(rest);
      addRestAuthentication(rest, services);
      const typed: RestApp = rest.withTypeProvider<TypeBoxTypeProvider>();
      whoamiRoutes(typed);
      apiKeyRoutes(typed, services);
      repositoryRoutes(typed, services);
      organizationRoutes(typed, services);
      refuse();
    },
    { prefix: '/v1' },
  );
  await app.register(async (git) => gitRoutes(git, services));
  return app;
}

function serverOptions({ logger, proxies, tls }: AppOptions, { headers }: TimeLimits): FastifyServerOptions {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headers,
    // Node looks only every 30 seconds otherwise.
    connectionsCheckingInterval: headers / 3,
  };
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
    // Of whole requests, and a push may take hours: limits.ts limits REST bodies instead.
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    // A stopping server finishes what came in, and says `Connection: close`.
    return503OnClosing: false,
    // Longer ones could not be looked at otherwise, and whoever has no credential would hear NOT_FOUND.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      void sendError(error, request, reply);
    },
    clientErrorHandler: onClientError,
    ...(tls === undefined ? { http: limits } : { https: { ...limits, ...tls, minVersion: 'TLSv1.2' } }),
  } as const;
  return options;
}
