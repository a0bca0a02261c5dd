/** Seconds as people say them: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) {
    return `${Math.max(0, seconds).toFixed(1)} s`;
  }
  if (seconds < 60) {
    return `${Math.floor(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min ${Math.floor(seconds % 60)} s`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A stretch of time that may be very short: `35 ms`, else as `duration` has it. */
export function brief(seconds: number): string {
  return seconds < 0.9995
    ? `${Math.round(1000 * Math.max(0, seconds))} ms`
    : duration(seconds);
}

/** A moment, as short as it can be told: the time today, else the date. */
export function moment(epochSeconds: number, now = new Date()): string {
  const date = new Date(epochSeconds * 1000);
  if (date.toDateString() === now.toDateString()) {
    return date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  }
  const year =
    date.getFullYear() === now.getFullYear()
      ? {}
      : { year: 'numeric' as const };
  return date.toLocaleDateString([], {
    month: 'short',
    day: 'numeric',
    ...year
  });
}

/** A metric with four significant digits, without an exponent where people would not write one. */
export function figure(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) {
    return String(value);
  }
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e7)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}

/** `auc 0.8712 · logloss 0.4`, the first `most` of them. */
export function metricLine(metrics: Record<string, number>, most = 3): string {
  return Object.entries(metrics)
    .slice(0, most)
    .map(([name, value]) => `${name} ${figure(value)}`)
    .join(' · ');
}

export function bytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** How long something has taken, or took, seen from `now` (epoch seconds). */
export function elapsed(
  started: number | null,
  ended: number | null,
  now = Date.now() / 1000
): number | null {
  return started === null ? null : Math.max(0, (ended ?? now) - started);
}
