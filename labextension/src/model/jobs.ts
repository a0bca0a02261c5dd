import type { IJobSummary } from '../api/types';

/** Jobs, newest first; an older snapshot never replaces a newer one. */
export class JobList {
  /** All jobs the workspace holds, loaded or not. */
  total = 0;

  /** Where the next page starts; null when all are loaded. */
  next: string | null = null;

  get items(): readonly IJobSummary[] {
    return this._items;
  }

  get(id: string): IJobSummary | undefined {
    return this._items.find(job => job.id === id);
  }

  /**
   * Take over what is newer; returns the snapshot that was replaced, `null` for a new job, or false for old news.
   *
   * A snapshot that was `read` also says why a job waits, which changes without a new revision.
   */
  apply(job: IJobSummary, read = false): IJobSummary | null | false {
    const index = this._items.findIndex(known => known.id === job.id);
    if (index < 0) {
      const after = this._items.findIndex(
        known => known.created_at < job.created_at
      );
      const end = after < 0 ? this._items.length : after;
      this._items = [
        ...this._items.slice(0, end),
        job,
        ...this._items.slice(end)
      ];
      return null;
    }
    const known = this._items[index];
    const explained =
      read && known.revision === job.revision && known.reason !== job.reason;
    if (known.revision >= job.revision && !explained) {
      return false;
    }
    this._items = this._items.map(item => (item === known ? job : item));
    return known;
  }

  /** Forget a job that was deleted; false when it was not in the list. */
  remove(id: string): boolean {
    const left = this._items.filter(job => job.id !== id);
    const found = left.length < this._items.length;
    this._items = left;
    return found;
  }

  clear(): void {
    this._items = [];
    this.total = 0;
    this.next = null;
  }

  private _items: IJobSummary[] = [];
}
