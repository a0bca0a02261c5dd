import type { IDisposable } from '@lumino/disposable';

import type { SlmlClient } from '../api/client';
import type { JobList } from './jobs';

/** Jobs that start in a burst cause one reading. */
const PAUSE_MS = 1000;

/**
 * Why the queued jobs of a list wait.
 *
 * That changes whenever another job moves, and no event of the waiting job says so: it is read again, at most once a second.
 */
export class Queue implements IDisposable {
  constructor(
    private readonly _client: SlmlClient,
    private readonly _jobs: JobList,
    private readonly _changed: () => void
  ) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Something moved. Nothing is read while nothing waits. */
  lookAgain(): void {
    const waits = this._jobs.items.some(job => job.state === 'queued');
    if (waits && this._timer === undefined && !this._isDisposed) {
      this._timer = setTimeout(() => void this._read(), PAUSE_MS);
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  private async _read(): Promise<void> {
    this._timer = undefined;
    try {
      const waiting = await this._client.queued();
      // Only those that are in the list: others would tear a hole into its pages.
      waiting
        .filter(job => this._jobs.get(job.id))
        .forEach(job => this._jobs.apply(job, true));
    } catch {
      // The next move asks again; a daemon that is gone is told by the event stream.
      return;
    }
    if (!this._isDisposed) {
      this._changed();
    }
  }

  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
