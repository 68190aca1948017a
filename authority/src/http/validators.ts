import { Ajv } from 'ajv';
import type { FastifySchemaCompiler, FastifySchema } from 'fastify';

// Texts of a query become numbers; a JSON body says itself what it holds. Nothing is dropped in silence.
const query = new Ajv({ coerceTypes: true, removeAdditional: false, useDefaults: false });
const body = new Ajv({ coerceTypes: false, removeAdditional: false, useDefaults: false });

export const compileValidator: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart }) =>
  (httpPart === 'body' ? body : query).compile(schema);
