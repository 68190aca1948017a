import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { basicPassword, bearerCredential } from '../../authentication/credential.ts';
import { findRepository } from '../../database/repositories.ts';
import { ApiError } from '../../errors.ts';
import { GIT_SERVICES, type GitService } from '../../git/pack-service.ts';
import { requireOrganization, requirePermission, requireRepository } from '../../rules/caller.ts';
import { isRepositoryName } from '../../rules/names.ts';
import { gitInputOf } from '../git-input.ts';
import { sendGitRefusal, skipBody } from '../git-refusal.ts';
import { identify } from '../identify.ts';
import { limitBodyTime } from '../limits.ts';
import { logRequest } from '../request-log.ts';
import { callerOf } from '../rest-authentication.ts';
import type { Services } from '../services.ts';

interface RepositoryPath {
  readonly org: string;
  /** With its `.git`. */
  readonly directory: string;
}

/** For what a fetch asks, a few kilobytes: who sends it byte by byte would keep others from their git. */
const FETCH_BODY_MS = 120_000;
const NEEDED = { 'git-upload-pack': 'read', 'git-receive-pack': 'write' } as const;

/**
 * Git over smart HTTP (gitprotocol-http(5), contract section 10), served by the programs of the installed git. The older
 * "dumb" protocol, which reads files, is refused.
 */
export function gitRoutes(app: FastifyInstance, services: Services): void {
  app.setErrorHandler(sendGitRefusal);
  app.removeAllContentTypeParsers();
  // Any body is left where it is: it is read by git, and its type looked at after the credential.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  app.get<{ Params: RepositoryPath; Querystring: Readonly<Record<string, unknown>> }>(
    '/:org/:directory/info/refs',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const { service: wanted } = request.query;
      const service = GIT_SERVICES.find((candidate) => candidate === wanted);
      // Whoever asks for something else must at least be allowed to read.
      const id = await authorize(request, reply, service ?? 'git-upload-pack');
      if (service === undefined) {
        throw new ApiError(
          'FORBIDDEN',
          wanted === undefined
            ? 'This server speaks the smart HTTP protocol alone'
            : 'There is no such git service',
        );
      }
      return serve(request, reply, { service, id, isAdvertisement: true });
    },
  );

  for (const service of GIT_SERVICES) {
    app.post<{ Params: RepositoryPath }>(`/:org/:directory/${service}`, async (request, reply) => {
      const id = await authorize(request, reply, service);
      return serve(request, reply, { service, id, isAdvertisement: false });
    });
  }

  /** @returns the id of the repository, which is there and may be used by who asks */
  async function authorize(
    request: FastifyRequest<{ Params: RepositoryPath }>,
    reply: FastifyReply,
    service: GitService,
  ): Promise<string> {
    const { org, directory } = request.params;
    if (!directory.endsWith('.git')) {
      throw new ApiError('NOT_FOUND', 'There is no such path');
    }
    const { authorization } = request.headers;
    await identify(services, request, reply, basicPassword(authorization) ?? bearerCredential(authorization));
    const caller = callerOf(request);
    requireOrganization(caller, org);
    requirePermission(caller, NEEDED[service]);
    const name = directory.slice(0, -'.git'.length);
    // SQLite ends a text at NUL, and PostgreSQL takes none.
    const repository = isRepositoryName(name)
      ? await findRepository(services.db, caller.organization.id, name)
      : undefined;
    return requireRepository(caller, repository).id;
  }

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      service,
      id,
      isAdvertisement,
    }: { readonly service: GitService; readonly id: string; readonly isAdvertisement: boolean },
  ): Promise<FastifyReply> {
    if (!isAdvertisement && service === 'git-upload-pack') {
      limitBodyTime(request, FETCH_BODY_MS);
    }
    const gone = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) {
        logRequest(request, reply, true);
        gone.abort();
      }
    });
    if (reply.raw.destroyed) {
      gone.abort();
    }
    const protocol = request.headers['git-protocol'];
    try {
      const output = await services.packServices.run({
        service,
        repository: services.gitRoot.pathOf(id),
        protocol: typeof protocol === 'string' ? protocol : undefined,
        input: isAdvertisement ? undefined : gitInputOf(request, service),
        signal: gone.signal,
      });
      if (output === undefined) {
        throw new ApiError('UNAVAILABLE', 'The server is busy with other clones and pushes');
      }
      // git can end before it has read everything: a push that is too large.
      output.once('end', () => skipBody(request));
      return reply
        .type(`application/x-${service}-${isAdvertisement ? 'advertisement' : 'result'}`)
        .send(output);
    } catch (error) {
      if (gone.signal.aborted) {
        return reply.hijack();
      }
      throw error;
    }
  }
}
