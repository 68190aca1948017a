import { permissionsOf } from '../../rules/caller.ts';
import { errors } from '../error-replies.ts';
import { callerOf } from '../rest-authentication.ts';
import { CallerIdentity } from '../schemas.ts';
import type { RestApp } from '../services.ts';

export function whoamiRoutes(app: RestApp): void {
  app.get(
    '/whoami',
    {
      schema: {
        tags: ['Credentials'],
        operationId: 'whoami',
        summary: 'Who the credential belongs to, and what it may do',
        response: { 200: CallerIdentity, ...errors() },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      return {
        org: caller.organization,
        // A token is no key: a client that signed with it would make tokens that nobody accepts.
        key_id: caller.token === undefined ? caller.keyId : null,
        key_name: caller.keyName,
        scopes: [...permissionsOf(caller)],
      };
    },
  );
}
