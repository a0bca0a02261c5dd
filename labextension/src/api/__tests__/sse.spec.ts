import { EventParser } from '../sse';

describe('EventParser', () => {
  it('gives out an event when its blank line has arrived', () => {
    const parser = new EventParser();
    expect(parser.push('id: 7\nevent: job.running\nda')).toEqual([]);
    expect(parser.push('ta: {"a":1}\n')).toEqual([]);
    expect(parser.push('\n')).toEqual([
      { id: '7', event: 'job.running', data: '{"a":1}' }
    ]);
    expect(parser.lastId).toBe('7');
  });

  it.each(['\n', '\r\n', '\r'])('reads lines that end in %j', end => {
    const text = ['data: one', 'data: two', '', 'data: three', '', ''];
    const parser = new EventParser();
    const events = [...text.join(end)].flatMap(letter => parser.push(letter));
    // A lone \r at the very end is held back: it may be half of \r\n.
    events.push(...parser.push('\n'));
    expect(events.map(event => event.data)).toEqual(['one\ntwo', 'three']);
  });

  it('ignores comments and events without data', () => {
    const parser = new EventParser();
    expect(parser.push(': heartbeat\n\nevent: nothing\n\n')).toEqual([]);
  });

  it('keeps the id for events that bring none', () => {
    const parser = new EventParser();
    const [first, second] = parser.push('id: 3\ndata: a\n\ndata: b\n\n');
    expect([first.id, second.id]).toEqual(['3', '3']);
  });
});
