/** One server-sent event, as the wire has it. */
export interface IServerEvent {
  id: string | null;
  event: string;
  data: string;
}

/**
 * Turns the chunks of a `text/event-stream` body into events.
 *
 * A chunk may end anywhere, also between the two characters of a line end, so an event is given out only when its blank
 * line has arrived.
 */
export class EventParser {
  /** The last id seen; what a reconnecting reader sends back. */
  lastId: string | null = null;

  push(chunk: string): IServerEvent[] {
    this._rest += chunk;
    // A trailing \r may be the first half of \r\n: keep it for the next chunk.
    const held = this._rest.endsWith('\r') ? '\r' : '';
    const whole = held ? this._rest.slice(0, -1) : this._rest;
    const lines = whole.split(/\r\n|\n|\r/);
    this._rest = (lines.pop() ?? '') + held;
    const events: IServerEvent[] = [];
    for (const line of lines) {
      if (line === '') {
        if (this._data.length > 0) {
          events.push({
            id: this.lastId,
            event: this._event || 'message',
            data: this._data.join('\n')
          });
        }
        this._data = [];
        this._event = '';
      } else if (!line.startsWith(':')) {
        this._field(line);
      }
    }
    return events;
  }

  private _field(line: string): void {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') {
      this._data.push(value);
    } else if (name === 'event') {
      this._event = value;
    } else if (name === 'id') {
      this.lastId = value;
    }
  }

  private _rest = '';
  private _event = '';
  private _data: string[] = [];
}
