import type { SlmlClient } from '../../api/client';
import type { IJobSummary } from '../../api/types';
import { WorkspaceModel } from '../workspace';

const JOB: IJobSummary = {
  id: 'job-1',
  name: 'churn',
  kind: 'training',
  state: 'running',
  reason: '',
  created_at: 1,
  started_at: 1,
  ended_at: null,
  metrics: {},
  registered: null,
  instance: 'cpu.small',
  notebook: null,
  revision: 3
};

/** A server that can be told what to send next on the event stream. */
class FakeServer {
  starts = 0;
  reads: string[] = [];
  refuse: Error | null = null;
  waiting: IJobSummary[] = [];

  client = {
    status: async () => ({ workspace: 'slml-0-abc' }),
    jobs: async () => {
      this.reads.push('jobs');
      return { jobs: [JOB], next: null, total: 1 };
    },
    queued: async () => {
      this.reads.push('queued');
      return this.waiting;
    },
    models: async () => this._read('models'),
    endpoints: async () => this._read('endpoints'),
    start: async () => {
      this.starts += 1;
      if (this.refuse) {
        throw this.refuse;
      }
    },
    stream: async () => ({
      getReader: () => ({
        read: () =>
          new Promise(resolve => {
            this._deliver = text =>
              resolve({ done: false, value: new TextEncoder().encode(text) });
          }),
        cancel: async () => undefined
      })
    })
  } as unknown as SlmlClient;

  async send(event: string, data: unknown): Promise<void> {
    this._deliver(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }

  private async _read(what: string): Promise<unknown[]> {
    this.reads.push(what);
    return [];
  }

  private _deliver: (text: string) => void = () => undefined;
}

async function connected() {
  const server = new FakeServer();
  const model = new WorkspaceModel(server.client);
  model.connect();
  await new Promise(resolve => setTimeout(resolve, 0));
  return { server, model };
}

describe('WorkspaceModel', () => {
  it('reads the lists when the workspace runs, and not before', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: false });
    expect(model.phase).toBe('absent');
    expect(server.reads).toEqual([]);
    await server.send('workspace', { running: true });
    expect(model.phase).toBe('running');
    expect(server.reads.sort()).toEqual(['endpoints', 'jobs', 'models']);
    model.dispose();
  });

  it('takes a job’s news from its event without asking again', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: true });
    const moves: string[] = [];
    model.moved.connect((_, { job, from }) =>
      moves.push(`${from?.state}>${job.state}`)
    );
    server.reads = [];
    const done = { ...JOB, state: 'succeeded', revision: 4 };
    await server.send('job.succeeded', { id: 9, data: { job: done } });
    await server.send('job.running', { id: 8, data: { job: JOB } });
    expect(model.jobs.get('job-1')?.state).toBe('succeeded');
    expect(moves).toEqual(['running>succeeded']);
    expect(server.reads).toEqual([]);
    model.dispose();
  });

  it('counts a job that it hears of for the first time', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: true });
    const fresh = { ...JOB, id: 'job-2', created_at: 2 };
    await server.send('job.queued', { id: 10, data: { job: fresh } });
    expect(model.jobs.total).toBe(2);
    expect(model.jobs.items[0].id).toBe('job-2');
    model.dispose();
  });

  it('asks again why a job waits when another one moves', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: true });
    const waiting = { ...JOB, id: 'job-2', state: 'queued' as const };
    await server.send('job.queued', { data: { job: waiting } });
    server.reads = [];
    server.waiting = [
      { ...waiting, reason: 'Waits for a slot.' },
      { ...waiting, id: 'job-on-a-later-page' }
    ];
    await server.send('job.succeeded', {
      data: { job: { ...JOB, state: 'succeeded', revision: 4 } }
    });
    await new Promise(resolve => setTimeout(resolve, 1100));
    // Two moves, one reading.
    expect(server.reads).toEqual(['queued']);
    expect(model.jobs.get('job-2')?.reason).toBe('Waits for a slot.');
    expect(model.jobs.items).toHaveLength(2);
    model.dispose();
  });

  it('drops a job that was deleted', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: true });
    await server.send('job.deleted', { subject_id: 'job-1', data: {} });
    expect(model.jobs.items).toEqual([]);
    expect(model.jobs.total).toBe(0);
    model.dispose();
  });

  it('reads a list again when one of its things changed', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: true });
    server.reads = [];
    await server.send('endpoint.ready', { id: 11, data: {} });
    await server.send('model.registered', { id: 12, data: {} });
    expect(server.reads).toEqual(['endpoints', 'models']);
    model.dispose();
  });

  it('keeps the reason when the workspace could not be started', async () => {
    const { server, model } = await connected();
    await server.send('workspace', { running: false });
    server.refuse = new Error('the disk is full');
    await model.start();
    expect(model.phase).toBe('absent');
    expect(model.error).toBe(server.refuse);
    model.dispose();
  });
});
