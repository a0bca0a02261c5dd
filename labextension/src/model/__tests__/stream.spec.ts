import type { IServerEvent } from '../../api/sse';
import { EventStream, Opener } from '../stream';
import { body } from './body';

async function follow(open: Opener, until: number, retry = () => true) {
  const stream = new EventStream(open, { first: 1, most: 2, retry });
  const events: IServerEvent[] = [];
  stream.received.connect((_, event) => {
    events.push(event);
    if (events.length === until) {
      stream.dispose();
    }
  });
  await stream.run();
  return { events, stream };
}

describe('EventStream', () => {
  it('reconnects where it stopped', async () => {
    const asked: (string | null)[] = [];
    const answers = [
      body('id: 1\ndata: a\n\nid: 2\nda', 'ta: b\n\n'),
      body('id: 3\ndata: c\n\n')
    ];
    const { events } = await follow(async lastId => {
      asked.push(lastId);
      return answers.shift()!;
    }, 3);
    expect(asked).toEqual([null, '2']);
    expect(events.map(event => event.data)).toEqual(['a', 'b', 'c']);
  });

  it('drops half an event when the stream breaks inside it', async () => {
    const answers = [body('id: 1\ndata: a\n\ndata: lo'), body('data: b\n\n')];
    const { events } = await follow(async () => answers.shift()!, 2);
    expect(events.map(event => event.data)).toEqual(['a', 'b']);
  });

  it('keeps trying when the server does not answer', async () => {
    let tries = 0;
    const { events } = await follow(async () => {
      tries += 1;
      if (tries < 4) {
        throw new TypeError('network');
      }
      return body('data: at last\n\n');
    }, 1);
    expect(tries).toBe(4);
    expect(events).toHaveLength(1);
  });

  it('gives up when it is told that it is of no use', async () => {
    const { stream } = await follow(
      async () => {
        throw new Error('unknown');
      },
      1,
      () => false
    );
    expect(stream.isDisposed).toBe(true);
  });
});
