// The load generator, a process of its own. `node load.mjs URL SECONDS CONNECTIONS`, the credential in CREDENTIAL. Prints
// JSON: requests per second and the latencies in milliseconds.
import autocannon from 'autocannon';

const [, , url = '', seconds = '', connections = ''] = process.argv;
const latencies = [];
const run = autocannon({
  url,
  duration: Number(seconds),
  connections: Number(connections),
  headers: { authorization: `Bearer ${process.env['CREDENTIAL']}` },
});
// Its own histogram knows whole milliseconds only.
run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
// It never sleeps: else a server that is slower than it would pay for waking it with each answer, and only that one.
let isRunning = true;
const spin = () => isRunning && setImmediate(spin);
spin();
const { non2xx, errors, duration } = await run;
isRunning = false;
if (non2xx + errors > 0) {
  throw new Error(`${non2xx} refused, ${errors} failed`);
}
latencies.sort((a, b) => a - b);
const at = (part) => latencies[Math.floor(latencies.length * part)];
process.stdout.write(
  JSON.stringify({ requests: latencies.length, seconds: duration, p50: at(0.5), p99: at(0.99) }),
);
