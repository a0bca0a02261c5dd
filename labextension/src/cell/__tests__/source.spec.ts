import { plan } from '../source';

describe('plan', () => {
  it('heads a plain cell and leaves its text alone', () => {
    const source = '\n# first\nmodel = fit(x)\n';
    expect(plan(source)).toEqual({
      kind: 'run',
      code: `%%train --no-wait\n${source}`,
      bare: true
    });
  });

  it('runs a cell with our magic as it is', () => {
    const source = '%%train --name churn\nmodel = fit(x)';
    expect(plan(source)).toEqual({ kind: 'run', code: source, bare: false });
  });

  it('does not wrap somebody else’s cell magic', () => {
    expect(plan('%%bash\nls')).toEqual({ kind: 'refused', magic: 'bash' });
    expect(plan('%%trainer\nls')).toEqual({
      kind: 'refused',
      magic: 'trainer'
    });
  });

  it('knows an empty cell', () => {
    expect(plan(' \n\t')).toEqual({ kind: 'empty' });
  });

  it('wraps a cell with line magics', () => {
    expect(plan('%matplotlib inline\nx = 1')).toMatchObject({ kind: 'run' });
  });
});
