import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** What came so far. */
  readonly text: () => string;
  /** Resolves when the other side has ended it, or it broke. */
  readonly ended: Promise<void>;
}

/** A connection on which a test writes what no HTTP client would. */
export function rawConnection(url: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, text: () => text, ended };
}

export interface RawReply {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Sends bytes, and reads one reply until the server ends the connection: say `Connection: close`. */
export async function sendRaw(url: string, bytes: string): Promise<RawReply> {
  const connection = rawConnection(url);
  connection.socket.write(bytes, 'latin1');
  await connection.ended;
  const [head = '', ...body] = connection.text().split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), headers: head, body: body.join('\r\n\r\n') };
}
