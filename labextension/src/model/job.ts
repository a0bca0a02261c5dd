import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { ApiError } from '../api/client';
import type { IJob, IJobSummary } from '../api/types';
import { isFinal } from './states';
import type { WorkspaceModel } from './workspace';

/**
 * One job, watched: the server's record, kept current by the window's event stream.
 *
 * `known` stays null until the workspace has been asked, so that a view can show what it has meanwhile.
 */
export class JobWatch implements IDisposable {
  constructor(
    private readonly _workspace: WorkspaceModel,
    readonly id: string
  ) {
    _workspace.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  get known(): boolean | null {
    return this._known;
  }

  get job(): IJob | null {
    return this._job;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _onChanged(): void {
    if (this._workspace.phase !== 'running') {
      return;
    }
    const news = this._workspace.jobs.get(this.id);
    if (this._known === null || (news && this._needsRecord(news))) {
      void this._load();
    } else if (news && this._job && news.revision > this._job.revision) {
      this._job = { ...this._job, ...live(news) };
      this._changed.emit();
    }
  }

  /** A list entry has no outcome, so an ended job is read once more. */
  private _needsRecord(news: IJobSummary): boolean {
    return (
      this._job === null ||
      (isFinal(news.state) && news.revision > this._job.revision)
    );
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
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private _known: boolean | null = null;
  private _job: IJob | null = null;
  private _loading = false;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

function live(news: IJobSummary): Partial<IJob> {
  const { state, reason, started_at, ended_at } = news;
  const { metrics, registered, revision } = news;
  return { state, reason, started_at, ended_at, metrics, registered, revision };
}
