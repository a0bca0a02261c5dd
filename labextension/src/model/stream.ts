import { ISignal, Signal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';

import { EventParser, IServerEvent } from '../api/sse';

/** Opens a stream from `lastId` on; ends by the signal. */
export type Opener = (
  lastId: string | null,
  signal: AbortSignal
) => Promise<ReadableStream<Uint8Array>>;

export interface IStreamOptions {
  /** Milliseconds before the first attempt to reconnect, and at most. */
  first?: number;
  most?: number;
  /** False ends the reading for good, such as when the thing that is watched is unknown. */
  retry?: (error: unknown) => boolean;
}

/**
 * An event stream that stays open: it reconnects with growing pauses and takes up where it stopped.
 *
 * `received` gives every event once and in order, as far as the server keeps its promise about `Last-Event-ID`.
 */
export class EventStream implements IDisposable {
  constructor(
    private readonly _open: Opener,
    private readonly _options: IStreamOptions = {}
  ) {}

  get received(): ISignal<this, IServerEvent> {
    return this._received;
  }

  /** True when the stream has opened, false when it broke. */
  get connected(): ISignal<this, boolean> {
    return this._connected;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  /** Read until disposed, or until an error that `retry` gives up on. */
  async run(): Promise<void> {
    const { first = 500, most = 30_000, retry = () => true } = this._options;
    let pause = first;
    while (!this.isDisposed) {
      try {
        const body = await this._open(this._lastId, this._abort.signal);
        this._connected.emit(true);
        await this._read(body, () => (pause = first));
      } catch (error) {
        if (!this.isDisposed && !retry(error)) {
          this.dispose();
        }
      }
      if (this.isDisposed) {
        return;
      }
      this._connected.emit(false);
      // Half of the pause is random, so that many windows do not come back at the same moment.
      await this._sleep(pause / 2 + (Math.random() * pause) / 2);
      pause = Math.min(pause * 2, most);
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._abort.abort();
      Signal.clearData(this);
    }
  }

  private async _read(
    body: ReadableStream<Uint8Array>,
    alive: () => void
  ): Promise<void> {
    const parser = new EventParser();
    parser.lastId = this._lastId;
    const decoder = new TextDecoder();
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.isDisposed) {
          return;
        }
        for (const event of parser.push(
          decoder.decode(value, { stream: true })
        )) {
          alive();
          this._received.emit(event);
        }
        this._lastId = parser.lastId;
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }

  private _sleep(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds);
      this._abort.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private _lastId: string | null = null;
  private _abort = new AbortController();
  private _received = new Signal<this, IServerEvent>(this);
  private _connected = new Signal<this, boolean>(this);
}
