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

  /** Take over what is newer; returns the snapshot that was replaced, `null` for a new job, or false for old news. */
  apply(job: IJobSummary): IJobSummary | null | false {
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
    if (known.revision >= job.revision) {
      return false;
    }
    this._items = this._items.map(item => (item === known ? job : item));
    return known;
  }

  clear(): void {
    this._items = [];
    this.total = 0;
    this.next = null;
  }

  private _items: IJobSummary[] = [];
}
