import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import type { SlmlClient } from '../api/client';
import type { IEndpointLoad } from '../api/types';

/** Figures are read this often while somebody sees them. */
const PAUSE_MS = 2000;

/**
 * The figures of one endpoint, read again and again while they are seen.
 *
 * They are counters of the gateway and cause no events, so they are the one thing that is polled: only while `seen` says
 * that they are on the screen and the window is not hidden.
 */
export class LoadWatch implements IDisposable {
  constructor(
    private readonly _client: SlmlClient,
    readonly name: string,
    private readonly _seen: () => boolean
  ) {
    this._timer = setInterval(() => void this._read(), PAUSE_MS);
    void this._read();
  }

  get load(): IEndpointLoad | null {
    return this._load;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearInterval(this._timer);
    Signal.clearData(this);
  }

  private async _read(): Promise<void> {
    if (this._reading || document.hidden || !this._seen()) {
      return;
    }
    this._reading = true;
    try {
      this._load = await this._client.endpointLoad(this.name);
    } catch {
      // The endpoint is gone, or the daemon is away: the last figures would be a lie.
      this._load = null;
    } finally {
      this._reading = false;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _timer: ReturnType<typeof setInterval>;
  private _load: IEndpointLoad | null = null;
  private _reading = false;
  private _isDisposed = false;
}
