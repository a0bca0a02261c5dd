import type { IJobSummary } from '../../api/types';
import { JobList } from '../jobs';

function job(id: string, created: number, revision = 1): IJobSummary {
  return {
    id,
    name: id,
    kind: 'training',
    state: 'queued',
    reason: '',
    created_at: created,
    started_at: null,
    ended_at: null,
    metrics: {},
    registered: null,
    instance: 'cpu.small',
    notebook: null,
    revision
  };
}

describe('JobList', () => {
  it('keeps the newest first, in whatever order they come', () => {
    const list = new JobList();
    [job('b', 2), job('c', 3), job('a', 1)].forEach(each => list.apply(each));
    expect(list.items.map(each => each.id)).toEqual(['c', 'b', 'a']);
  });

  it('says what was replaced, and that a new one replaced nothing', () => {
    const list = new JobList();
    const first = job('a', 1, 1);
    expect(list.apply(first)).toBeNull();
    expect(list.apply({ ...first, state: 'running', revision: 2 })).toBe(first);
    expect(list.get('a')?.state).toBe('running');
  });

  it('does not let an older snapshot replace a newer one', () => {
    const list = new JobList();
    list.apply({ ...job('a', 1, 5), state: 'succeeded' });
    expect(list.apply(job('a', 1, 4))).toBe(false);
    expect(list.get('a')?.state).toBe('succeeded');
  });

  it('takes a reason that was read at the same revision, and no older one', () => {
    const list = new JobList();
    list.apply(job('a', 1, 3));
    const read = { ...job('a', 1, 3), reason: 'Waits for a slot.' };
    expect(list.apply(read)).toBe(false);
    expect(list.apply(read, true)).toMatchObject({ reason: '' });
    expect(list.apply({ ...read, reason: 'old', revision: 2 }, true)).toBe(
      false
    );
    expect(list.get('a')?.reason).toBe('Waits for a slot.');
  });

  it('forgets a job that was deleted', () => {
    const list = new JobList();
    list.apply(job('a', 1));
    expect(list.remove('a')).toBe(true);
    expect(list.remove('a')).toBe(false);
    expect(list.items).toEqual([]);
  });
});
