import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { ApiError } from '../api/client';
import type { ICurves, IJob, IJobSummary } from '../api/types';
import { CurveReader } from './curves';
import { isFinal } from './states';
import type { WorkspaceModel } from './workspace';

/** A job that tells a lot is read at most so often; what its events carry is shown at once. */
const PAUSE_MS = 1000;

export interface IWatchOptions {
  /** Whether somebody wants to see the metric curves. */
  curves?: boolean;
}

/**
 * One job, watched: the server's record, kept current by the window's event stream.
 *
 * `known` stays null until the workspace has been asked, so that a view can show what it has meanwhile.
 */
export class JobWatch implements IDisposable {
  constructor(
    private readonly _workspace: WorkspaceModel,
    readonly id: string,
    private readonly _options: IWatchOptions = { curves: true }
  ) {
    this._curves = new CurveReader(_workspace.client, id, () =>
      this._changed.emit()
    );
    _workspace.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  get known(): boolean | null {
    return this._known;
  }

  get job(): IJob | null {
    return this._job;
  }

  /** Null until they were read, and when nobody wants them. */
  get curves(): ICurves | null {
    return this._curves.curves;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The curves as they are now: of a job that has ended, for good. */
  async readCurves(): Promise<void> {
    if (this._wantsCurves()) {
      await this._curves.read();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._curves.dispose();
    Signal.clearData(this);
  }

  private _onChanged(): void {
    if (this._workspace.phase !== 'running' || this._isDisposed) {
      return;
    }
    const news = this._workspace.jobs.get(this.id);
    if (this._known === null || (news && this._job === null)) {
      void this._load();
    } else if (news && this._job && this._isNews(news, this._job)) {
      if (isFinal(news.state)) {
        // A list entry has no outcome.
        void this._load();
        return;
      }
      this._heard = news.reason;
      this._job = { ...this._job, ...live(news) };
      this._changed.emit();
      // Where its time went and when it may start is in the record alone.
      this._loadSoon(PAUSE_MS);
      if (this._wantsCurves()) {
        this._curves.readSoon();
      }
    }
  }

  /** The reason of a waiting job changes without a new revision. */
  private _isNews(news: IJobSummary, job: IJob): boolean {
    return (
      news.revision > job.revision ||
      (news.revision === job.revision &&
        news.state === 'queued' &&
        news.reason !== this._heard)
    );
  }

  private _wantsCurves(): boolean {
    return (
      this._options.curves === true &&
      this._job !== null &&
      Object.keys(this._job.metrics).length > 0
    );
  }

  private _loadSoon(wait: number): void {
    if (this._timer === undefined) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        void this._load();
      }, wait);
    }
  }

  private async _load(): Promise<void> {
    if (this._loading) {
      return;
    }
    this._loading = true;
    try {
      this._job = await this._workspace.client.job(this.id);
      this._known = true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        this._known = false;
      }
    } finally {
      this._loading = false;
    }
    if (this._isDisposed) {
      return;
    }
    this._changed.emit();
    if (this._job) {
      this._afterLoad(this._job);
    }
  }

  private _afterLoad(job: IJob): void {
    const news = this._workspace.jobs.get(this.id);
    if (news && news.revision > job.revision) {
      // It moved on while it was being read.
      this._loadSoon(PAUSE_MS / 10);
    } else if (isPreparing(job)) {
      // The cell's first line is no event.
      this._patience = Math.min(this._patience * 2, 30_000);
      this._loadSoon(this._patience);
    }
    if (this._curves.curves === null && this._wantsCurves()) {
      this._curves.readSoon();
    }
  }

  private _known: boolean | null = null;
  private _job: IJob | null = null;
  private _heard = '';
  private _patience = PAUSE_MS / 2;
  private _loading = false;
  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _curves: CurveReader;
  private _changed = new Signal<this, void>(this);
}

function isPreparing(job: IJob): boolean {
  return (
    job.state === 'running' &&
    !job.phases.some(({ name }) => name === 'running')
  );
}

function live(news: IJobSummary): Partial<IJob> {
  const { state, reason, started_at, ended_at } = news;
  const { metrics, registered, revision } = news;
  return { state, reason, started_at, ended_at, metrics, registered, revision };
}
