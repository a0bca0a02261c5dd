import type { IDisposable } from '@lumino/disposable';

import type { SlmlClient } from '../api/client';
import type { ICurves } from '../api/types';

const PAUSE_MS = 2000;
/** A job with a million points takes long to read: reading takes at most this part of the time. */
const SHARE = 10;

/** A job's metric curves, read again as they grow. */
export class CurveReader implements IDisposable {
  constructor(
    private readonly _client: SlmlClient,
    private readonly _job: string,
    private readonly _changed: () => void
  ) {}

  get curves(): ICurves | null {
    return this._curves;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Read them now. */
  async read(): Promise<void> {
    const begun = Date.now();
    try {
      this._curves = await this._client.curves(this._job);
    } catch {
      // The last values of the metrics are shown without their curves.
    }
    this._free = Date.now() + Math.max(PAUSE_MS, SHARE * (Date.now() - begun));
    if (!this._isDisposed) {
      this._changed();
    }
  }

  /** Read them when it is time. */
  readSoon(): void {
    if (this._timer === undefined && !this._isDisposed) {
      const wait = Math.max(0, this._free - Date.now());
      this._timer = setTimeout(() => {
        void this.read().finally(() => (this._timer = undefined));
      }, wait);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  private _curves: ICurves | null = null;
  private _free = 0;
  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
