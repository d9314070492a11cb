// What is made of the rounds of a measurement. Pure: no server, no clock.

/** Middle value; the mean of the two middle ones of an even count. NaN for none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median over the rounds of `key` in one against `key` in the other. Round i of both ran one after the other, so what slowed down
 * the machine in between slowed down both.
 */
export function pairedRatio(rounds, others, key) {
  return median(rounds.map((round, index) => round[key] / others[index][key]));
}

/** Distance of the highest from the lowest as a part of the median. */
export function spread(values) {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/**
 * Runs every cell once for each round, always in the same order: A, B, A, B.
 * @param cells functions that give a round's figures.
 * @returns the rounds of each cell, in the order of the cells.
 */
export async function interleave(cells, rounds) {
  const results = cells.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, cell] of cells.entries()) results[index].push(await cell());
  }
  return results;
}

/** A Markdown table whose columns are padded as the formatter pads them. `columns` are texts; one in brackets, `[text]`, stands left. */
export function table(columns, rows) {
  const titles = columns.map((column) => column.replace(/^\[(.*)\]$/, "$1"));
  const left = columns.map((column, index) => column !== titles[index]);
  const widths = titles.map((title, index) =>
    Math.max(left[index] ? 3 : 4, ...[title, ...rows.map((row) => row[index])].map(width)),
  );
  const pad = (text, index) => {
    const space = " ".repeat(widths[index] - width(text));
    return left[index] ? text + space : space + text;
  };
  const line = (cells) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((count, index) => (left[index] ? "-".repeat(count) : `${"-".repeat(count - 1)}:`));
  return [line(titles), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** Three significant figures from 1 to 1,000, whole numbers above, two decimals below; `n/a` for what was not measured. */
export function figure(value) {
  if (!Number.isFinite(value)) return "n/a";
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

function width(text) {
  return [...text].length;
}
