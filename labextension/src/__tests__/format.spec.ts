import {
  bytes,
  duration,
  elapsed,
  figure,
  metricLine,
  moment
} from '../format';

describe('format', () => {
  it.each([
    [0.04, '0.0 s'],
    [9.94, '9.9 s'],
    [59.9, '59 s'],
    [185, '3 min 5 s'],
    [7800, '2 h 10 min'],
    [200000, '2 d 7 h']
  ])('says %d seconds as %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [0.871234, '0.8712'],
    [12, '12'],
    [336776, '336776'],
    [0.00001234, '1.23e-5'],
    [0, '0'],
    [NaN, 'NaN']
  ])('writes the metric %d as %s', (value, text) => {
    expect(figure(value)).toBe(text);
  });

  it('names the first metrics', () => {
    expect(metricLine({ auc: 0.5, rmse: 2, mae: 1, r2: 3 })).toBe(
      'auc 0.5 · rmse 2 · mae 1'
    );
  });

  it('counts bytes', () => {
    expect([bytes(60), bytes(24e6)]).toEqual(['60 B', '24.0 MB']);
  });

  it('tells the time today and the date before', () => {
    const now = new Date(2026, 10, 24, 12);
    expect(moment(now.getTime() / 1000, now)).toMatch(/12/);
    expect(moment(now.getTime() / 1000 - 86400 * 3, now)).toMatch(/21/);
  });

  it('knows that nothing has started', () => {
    expect(elapsed(null, null)).toBeNull();
    expect(elapsed(5, null, 9)).toBe(4);
    expect(elapsed(5, 6, 9)).toBe(1);
  });
});
