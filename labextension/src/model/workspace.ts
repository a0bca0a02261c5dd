import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import type { SlmlClient } from '../api/client';
import type { IServerEvent } from '../api/sse';
import type { IEndpoint, IJobSummary, IModel } from '../api/types';
import { JobList } from './jobs';
import { Queue } from './queue';
import { EventStream } from './stream';

/**
 * What the window knows about its workspace: `connecting` before the Jupyter server has answered, `absent` when no daemon
 * runs, `unreachable` when the Jupyter server does not answer.
 */
export type Phase =
  'connecting' | 'absent' | 'starting' | 'running' | 'unreachable';

/** A job that went from one state to another while this window watched. */
export interface ITransition {
  job: IJobSummary;
  from: IJobSummary | null;
}

/** Bursts of events become one redraw. */
const REDRAW_MS = 60;

/**
 * Jobs, models and endpoints of the workspace, kept current by one event stream per window. Nothing polls.
 */
export class WorkspaceModel implements IDisposable {
  constructor(readonly client: SlmlClient) {
    this._stream = new EventStream((lastId, signal) =>
      client.stream('events', lastId, signal)
    );
    this._stream.received.connect(this._onEvent, this);
    this._stream.connected.connect(this._onConnected, this);
    this._queue = new Queue(client, this.jobs, () => this._redraw());
  }

  readonly jobs = new JobList();
  models: readonly IModel[] = [];
  endpoints: readonly IEndpoint[] = [];

  /** Which workspace this is; empty before it has answered. */
  get id(): string {
    return this._id;
  }

  get phase(): Phase {
    return this._phase;
  }

  /** Why starting or reading failed, if it did. */
  get error(): unknown {
    return this._error;
  }

  /** Something of the above changed; bursts come as one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A job's state changed; each once, as it happens. */
  get moved(): ISignal<this, ITransition> {
    return this._moved;
  }

  get isDisposed(): boolean {
    return this._stream.isDisposed;
  }

  /** Open the event stream. This starts no daemon. */
  connect(): void {
    void this._stream.run();
  }

  /** Start the daemon unless it runs: somebody wants to see the workspace. */
  async start(): Promise<void> {
    if (this._phase === 'running' || this._phase === 'starting') {
      return;
    }
    this._set('starting');
    try {
      await this.client.start();
      await this.refresh();
    } catch (error) {
      this._set('absent', error);
    }
  }

  async stopJob(id: string): Promise<void> {
    await this.client.stopJob(id);
  }

  async removeEndpoint(name: string): Promise<void> {
    await this.client.removeEndpoint(name);
    await this._reload('endpoints');
  }

  /** The next page of older jobs. */
  async more(): Promise<void> {
    if (this.jobs.next !== null) {
      await this._loadJobs(this.jobs.next);
      this._redraw();
    }
  }

  /** Read everything anew. */
  async refresh(): Promise<void> {
    try {
      await Promise.all([
        this.client.status().then(status => (this._id = status.workspace)),
        this._loadJobs(null),
        this._reload('models'),
        this._reload('endpoints')
      ]);
      this._set('running');
    } catch (error) {
      this._set(this._phase, error);
    }
  }

  dispose(): void {
    clearTimeout(this._redrawTimer);
    clearTimeout(this._reloadTimer);
    this._queue.dispose();
    this._stream.dispose();
    Signal.clearData(this);
  }

  private async _loadJobs(before: string | null): Promise<void> {
    const page = await this.client.jobs(before);
    if (before === null) {
      // The first page may come from another database than the last one did (after `stop --purge`).
      const present = new Set(page.jobs.map(job => job.id));
      if (!this.jobs.items.some(job => present.has(job.id))) {
        this.jobs.clear();
      }
    }
    page.jobs.forEach(job => this.jobs.apply(job, true));
    this.jobs.total = page.total;
    if (before !== null || this.jobs.items.length <= page.jobs.length) {
      this.jobs.next = page.next;
    }
  }

  private async _reload(what: 'models' | 'endpoints'): Promise<void> {
    if (what === 'models') {
      this.models = await this.client.models();
    } else {
      this.endpoints = await this.client.endpoints();
    }
    this._redraw();
  }

  private _onConnected(_: EventStream, connected: boolean): void {
    if (!connected && this._phase !== 'starting') {
      this._set('unreachable');
    }
  }

  private _onEvent(_: EventStream, event: IServerEvent): void {
    const body = JSON.parse(event.data);
    if (event.event === 'workspace') {
      this._onWorkspace(Boolean(body.running));
      return;
    }
    const [subject] = event.event.split('.');
    if (event.event === 'job.deleted') {
      this._onDeleted(String(body.subject_id));
    } else if (subject === 'job' && body.data?.job) {
      this._onJob(body.data.job);
    } else if (subject === 'model') {
      this._reloadSoon('models');
    } else if (subject === 'endpoint' || subject === 'replica') {
      this._reloadSoon('endpoints');
    }
  }

  private _onWorkspace(running: boolean): void {
    if (running) {
      void this.refresh();
    } else if (this._phase !== 'starting') {
      this._set('absent');
    }
  }

  private _onJob(job: IJobSummary): void {
    const from = this.jobs.apply(job);
    if (from === false) {
      return;
    }
    if (from === null) {
      this.jobs.total += 1;
    }
    this._redraw();
    if (from?.state !== job.state) {
      // Whoever stands behind it in the queue moves up.
      this._queue.lookAgain();
      this._moved.emit({ job, from });
    }
  }

  private _onDeleted(id: string): void {
    this.jobs.remove(id);
    this.jobs.total = Math.max(0, this.jobs.total - 1);
    this._redraw();
  }

  private _reloadSoon(what: 'models' | 'endpoints'): void {
    this._stale.add(what);
    clearTimeout(this._reloadTimer);
    this._reloadTimer = setTimeout(() => {
      const stale = [...this._stale];
      this._stale.clear();
      stale.forEach(each => {
        this._reload(each).catch(error => this._set(this._phase, error));
      });
    }, REDRAW_MS);
  }

  private _set(phase: Phase, error: unknown = null): void {
    this._phase = phase;
    this._error = error;
    this._redraw();
  }

  private _redraw(): void {
    if (this._redrawTimer === undefined) {
      this._redrawTimer = setTimeout(() => {
        this._redrawTimer = undefined;
        this._changed.emit();
      }, REDRAW_MS);
    }
  }

  private _id = '';
  private _phase: Phase = 'connecting';
  private _error: unknown = null;
  private _stale = new Set<'models' | 'endpoints'>();
  private _redrawTimer: ReturnType<typeof setTimeout> | undefined;
  private _reloadTimer: ReturnType<typeof setTimeout> | undefined;
  private _stream: EventStream;
  private _queue: Queue;
  private _changed = new Signal<this, void>(this);
  private _moved = new Signal<this, ITransition>(this);
}
