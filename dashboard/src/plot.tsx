import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useStore } from "./store.ts";
import { repaint } from "./theme.ts";
import { short } from "./units.ts";

/** One line of a plot. */
export interface Line {
  readonly name: string;
  /** A custom property of the style sheet that holds its colour. */
  readonly colour: string;
  /** Painted below it, faintly. */
  readonly filled?: boolean;
  readonly values: readonly (number | null)[];
}

/** A plot over time. */
export interface PlotProps {
  readonly title: string;
  readonly unit: string;
  /** Seconds since 1970. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  /** How long the time axis is, in seconds. */
  readonly span: number;
}

const HEIGHT = 190;

/** Lines over time with a legend that shows the last values, or those under the pointer. */
export function Plot({ title, unit, at, lines, span }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const legend = useRef<HTMLUListElement>(null);
  const painted = useStore(repaint);
  const end = at.at(-1) ?? Date.now() / 1000;
  const names = lines.map(({ name }) => name).join();

  const showValues = (index: number | null | undefined) => {
    const items = legend.current?.querySelectorAll("b") ?? [];
    const data = plot.current?.data;
    items.forEach((item, line) => {
      const values = data?.[line + 1];
      const value = values?.[index ?? values.length - 1];
      item.textContent = value === null || value === undefined ? "–" : `${short(value)} ${unit}`;
    });
  };

  useEffect(() => {
    const element = box.current!;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--muted"),
      font: "11px system-ui, sans-serif",
      grid: { stroke: colour("--grid"), width: 1 },
      ticks: { show: false },
    };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        padding: [8, 26, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.15 : 1] } },
        axes: [
          { ...axis, space: 70, size: 26, values: (_, ticks) => ticks.map(clock) },
          { ...axis, size: 46, space: 34, values: (_, ticks) => ticks.map(short) },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.name,
            stroke: colour(line.colour),
            width: 1.5,
            ...(line.filled && { fill: `color-mix(in srgb, ${colour(line.colour)} 14%, transparent)` }),
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(self) => showValues(self.cursor.idx)] },
      },
      [[], ...lines.map(() => [])],
      element,
    );
    plot.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [names, unit, painted]);

  useEffect(() => {
    const made = plot.current!;
    made.batch(() => {
      made.setData([at as number[], ...lines.map(({ values }) => values as number[])], false);
      made.setScale("x", { min: end - span, max: end });
    });
    showValues(made.cursor.idx);
  }, [at, lines, span, painted, names, unit]);

  const last = lines.map(({ name, values }) => `${name} ${values.at(-1) == null ? "none" : `${short(values.at(-1)!)} ${unit}`}`);
  return (
    <figure class="plot">
      <figcaption>
        <span class="plot-title">{title}</span>
        <ul class="legend" ref={legend} aria-hidden="true">
          {lines.map(({ name, colour }) => (
            <li key={name}>
              <i class={`swatch swatch${colour}`} /> {name} <b>–</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot-box" ref={box} role="img" aria-label={`${title}: ${last.join(", ")}`} />
    </figure>
  );
}

function clock(seconds: number): string {
  const at = new Date(seconds * 1000);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
