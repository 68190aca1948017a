// What the authority is compared with: the least that answers the same JSON. `node bare-server.mjs JSON` prints its URL.
import { createServer } from 'node:http';

const body = process.argv[2] ?? '';
const headers = {
  'content-type': 'application/json; charset=utf-8',
  'content-length': Buffer.byteLength(body),
};

const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`listens on http://127.0.0.1:${server.address().port}\n`);
});
