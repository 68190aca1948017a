import { expect, it } from 'vitest';

import { apiUrlOfDomain, parseApiUrl } from '../../../src/core/api-url.ts';

it.each([
  ['https://api.mesa.dev', 'https://api.mesa.dev'],
  ['https://api.mesa.dev/', 'https://api.mesa.dev'],
  ['https://api.mesa.dev/v1', 'https://api.mesa.dev'],
  ['https://API.Mesa.dev:443/v1/', 'https://api.mesa.dev'],
  ['https://api.mesa.dev:8443', 'https://api.mesa.dev:8443'],
  ['https://10.0.0.1', 'https://10.0.0.1'],
  ['http://127.0.0.1:4477', 'http://127.0.0.1:4477'],
  ['http://127.1:4477', 'http://127.0.0.1:4477'],
  ['http://localhost:4477/v1', 'http://localhost:4477'],
  ['http://[::1]:4477', 'http://[::1]:4477'],
])('%s is the API at %s', (text, url) => {
  expect(parseApiUrl(text)).toBe(url);
});

it.each([
  '',
  'api.mesa.dev',
  'http://api.mesa.dev',
  'http://127.0.0.1.evil.example',
  'http://localhost.evil.example',
  'http://10.0.0.1',
  'http://[::2]',
  'ftp://api.mesa.dev',
  'https://',
  'https://api.mesa.dev/v2',
  'https://api.mesa.dev/v1/x',
  'https://api.mesa.dev/acme',
  'https://api.mesa.dev?x',
  'https://api.mesa.dev#x',
  'https://t@api.mesa.dev',
  'https://api.mesa.dev@evil.example',
  'https://api.mesa.dev\\@evil.example',
  ' https://api.mesa.dev',
  'https://api.mesa.dev\n',
  'https://api.mesa.dev:99999',
])('%j is no place for an API', (text) => {
  expect(parseApiUrl(text)).toBeUndefined();
});

it.each([
  ['mesa.dev', 'https://api.mesa.dev'],
  ['Mesa.example:8443', 'https://api.mesa.example:8443'],
  ['mesa.example:443', 'https://api.mesa.example'],
  ['mesa.example:99999', undefined],
  ['127.0.0.1:4477', undefined],
  ['https://mesa.dev', undefined],
  ['mesa.dev/x', undefined],
  ['a@mesa.dev', undefined],
  ['', undefined],
])('the domain %j has its API at %s', (domain, url) => {
  expect(apiUrlOfDomain(domain)).toBe(url);
});
