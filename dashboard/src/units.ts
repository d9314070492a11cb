/** Bytes as `3.4 MB`, in powers of 1000. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let index = 0;
  while (count >= 999.5 && index < units.length - 1) {
    count /= 1000;
    index++;
  }
  return `${index === 0 ? count : short(count)} ${units[index]}`;
}

/** Milliseconds as `870 µs`, `12 ms` or `3.4 s`. */
export function duration(ms: number): string {
  if (ms < 1) return `${short(ms * 1000)} µs`;
  if (ms < 1000) return `${short(ms)} ms`;
  return ms < 60_000 ? `${short(ms / 1000)} s` : age(ms);
}

/** A long time as `5 min`, `3 h 20 min` or `2 d 4 h`. */
export function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number with about three digits: `0.123`, `12.3`, `1234` or `1.2e-7`. */
export function short(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(1);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 1 ? 2 : 3;
  return String(Number(value.toFixed(Math.max(digits, size < 1 ? 2 - Math.floor(Math.log10(size)) : 0))));
}

/** A share as `0 %`, `0.12 %` or `34 %`. */
export function percent(share: number): string {
  return `${share === 0 ? 0 : short(share * 100)} %`;
}

/** The time of day as `14:03:09`, and the day before it when that is not today's. */
export function moment(atMs: number, nowMs: number = Date.now()): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const at = new Date(atMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${day} ${time}`;
}
