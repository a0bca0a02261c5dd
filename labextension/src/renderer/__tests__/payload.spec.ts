import type { IJob } from '../../api/types';
import { fallbacks, IJobCard, isNews, parseCard, withTruth } from '../payload';

const CARD: IJobCard = {
  schema: 1,
  workspace: 'slml-0-abc',
  kind: 'job',
  id: 'job-1',
  name: 'churn',
  state: 'running',
  reason: '',
  created_at: 1,
  started_at: 2,
  ended_at: null,
  instance: 'cpu.small',
  metrics: { auc: 0.5 },
  registered: null,
  outcome: null,
  log_tail: ['from the kernel'],
  outputs: [],
  captures: [],
  revision: 3,
  headless: false
};

const JOB = {
  id: 'job-1',
  name: 'churn',
  state: 'succeeded',
  reason: '',
  started_at: 2,
  ended_at: 9,
  metrics: { auc: 0.9 },
  registered: 'churn@1',
  outcome: { reason: 'done', message: '', error: null, outputs: [] },
  phases: [{ name: 'queued', start: 1, end: 2 }],
  expected_at: null,
  revision: 7
} as unknown as IJob;

describe('a card', () => {
  it('is refused when a later release wrote it', () => {
    expect(parseCard(CARD)).toBe(CARD);
    expect(parseCard({ ...CARD, schema: 2 })).toBeNull();
    expect(parseCard({ ...CARD, kind: 'pipeline' })).toBeNull();
    expect(parseCard('job-1')).toBeNull();
    expect(parseCard(null)).toBeNull();
  });

  it('shows what the server says instead of what was saved', () => {
    const live = withTruth(CARD, JOB, ['the end'], { auc: [[0, 0.5]] });
    expect(live).toMatchObject({
      state: 'succeeded',
      metrics: { auc: 0.9 },
      registered: 'churn@1',
      log_tail: ['the end'],
      phases: [{ name: 'queued', start: 1, end: 2 }],
      curves: { auc: [[0, 0.5]] },
      workspace: 'slml-0-abc'
    });
  });

  it('is written back once, when the job has ended since', () => {
    const live = withTruth(CARD, JOB, [], null);
    expect(isNews(CARD, live)).toBe(true);
    expect(isNews(live, live)).toBe(false);
    expect(isNews(CARD, { ...live, state: 'running' })).toBe(false);
  });

  it('says the same to readers without a renderer, markup harmless', () => {
    const said = fallbacks({ ...CARD, reason: '<b>&' });
    expect(said['text/plain']).toBe('churn: running (<b>&) · job-1');
    expect(said['text/html']).toContain('(&lt;b&gt;&amp;)');
  });
});
