import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { AnsiReader, IRun } from '../ansi';
import { ApiError, SlmlClient } from '../api/client';
import type { IServerEvent } from '../api/sse';
import type { ILogEntry, ILogPage } from '../api/types';
import { EventStream } from './stream';

/** One line as it is shown. */
export interface ILogLine {
  runs: IRun[];
  stream: string;
}

/** A line that never ends, such as binary output, is cut: drawing it again with every piece would take ever longer. */
const LONGEST_LINE = 20_000;

/**
 * Cuts entries into lines: an entry may hold several lines or a part of one, and a carriage return starts its line over,
 * as progress bars want it.
 */
export class LineCutter {
  /** The lines that are complete now, and the one that is still being written. */
  push(entry: ILogEntry): { whole: ILogLine[]; open: ILogLine | null } {
    const whole: ILogLine[] = [];
    if (this._rest && entry.s !== this._stream) {
      whole.push(this._line(this._rest));
      this._rest = '';
    }
    this._stream = entry.s;
    const parts = (this._rest + entry.x.replace(/\r\n/g, '\n')).split('\n');
    this._rest = parts.pop() ?? '';
    whole.push(...parts.map(part => this._line(part)));
    while (this._rest.length > LONGEST_LINE) {
      whole.push(this._line(this._rest.slice(0, LONGEST_LINE)));
      this._rest = this._rest.slice(LONGEST_LINE);
    }
    const open = this._rest ? this._line(this._rest, true) : null;
    return { whole, open };
  }

  private _line(text: string, open = false): ILogLine {
    const stream = this._stream;
    const reader = this._readers[stream] ?? new AnsiReader();
    this._readers[stream] = reader;
    const written = text.replace(/\r+$/, '');
    const shown = written.lastIndexOf('\r') + 1;
    // What is not finished will be read again, from the same colours.
    const at = open ? reader.copy() : reader;
    at.read(written.slice(0, shown));
    return { runs: at.read(written.slice(shown)), stream };
  }

  private _rest = '';
  private _stream = 'out';
  private _readers: Record<string, AnsiReader> = {};
}

/** A job's log as it grows, from its first line; each entry once. */
export class JobLog implements IDisposable {
  constructor(
    client: SlmlClient,
    readonly job: string
  ) {
    this._stream = new EventStream(
      (_, signal) =>
        client.stream(
          `jobs/${encodeURIComponent(job)}/logs?after=${this._last}`,
          null,
          signal
        ),
      {
        // A job that the workspace does not know will not come to be known.
        retry: error => {
          this._failed.emit(error);
          return !(error instanceof ApiError && error.status === 404);
        }
      }
    );
    this._stream.received.connect(this._onEvent, this);
  }

  get received(): ISignal<this, ILogEntry[]> {
    return this._received;
  }

  /** The log has ended. */
  get done(): ISignal<this, void> {
    return this._done;
  }

  get failed(): ISignal<this, unknown> {
    return this._failed;
  }

  get isDisposed(): boolean {
    return this._stream.isDisposed;
  }

  connect(): void {
    void this._stream.run();
  }

  dispose(): void {
    this._stream.dispose();
    Signal.clearData(this);
  }

  private _onEvent(_: EventStream, event: IServerEvent): void {
    if (event.event === 'done') {
      this._done.emit();
      this.dispose();
      return;
    }
    const page: ILogPage = JSON.parse(event.data);
    const fresh = page.entries.filter(entry => entry.q > this._last);
    if (fresh.length > 0) {
      this._last = Math.max(page.last, fresh[fresh.length - 1].q);
      this._received.emit(fresh);
    }
  }

  private _last = 0;
  private _stream: EventStream;
  private _received = new Signal<this, ILogEntry[]>(this);
  private _done = new Signal<this, void>(this);
  private _failed = new Signal<this, unknown>(this);
}
