import * as React from 'react';

/** Epoch seconds that move on every second while `ticking`; nothing runs while it is false. */
export function useClock(ticking: boolean): number {
  const [now, setNow] = React.useState(() => Date.now() / 1000);
  React.useEffect(() => {
    if (!ticking) {
      return;
    }
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return ticking ? Math.max(now, 0) : Date.now() / 1000;
}
