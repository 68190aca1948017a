import type { FastifyInstance } from 'fastify';

import { checkConnection } from '../../database/check-connection.ts';
import { ApiError } from '../../errors.ts';
import { errorReply } from '../error-replies.ts';
import { Health } from '../schemas.ts';
import type { Services } from '../services.ts';

/** For load balancers and supervisors: whether requests can be answered, which takes the database. */
export function healthRoutes(app: FastifyInstance, { db }: Services): void {
  app.get(
    '/health',
    {
      logLevel: 'warn',
      schema: {
        operationId: 'health',
        summary: 'Whether the server can answer requests',
        tags: ['Operation'],
        security: [],
        response: { 200: Health, 503: errorReply('UNAVAILABLE') },
      },
    },
    async (request) => {
      try {
        await checkConnection(db);
      } catch (error) {
        request.log.error({ reqId: request.id, err: error }, 'the database does not answer');
        throw new ApiError('UNAVAILABLE', 'The database does not answer');
      }
      return { status: 'ok' };
    },
  );
}
