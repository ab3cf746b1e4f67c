/** A line chart as SVG: small, readable on light and dark pages, made again by the bench. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 60;
const RIGHT = 24;
const TOP = 40;
const BOTTOM = 36;
const GRID = 4;

/** The x axis has a place a point, in their order: sizes that double stand evenly. */
export function lineChart(title: string, unit: string, points: readonly Point[]): string {
  const top = niceAbove(Math.max(...points.map(({ y }) => y)));
  const xOf = (i: number): number => LEFT + (i * (WIDTH - LEFT - RIGHT)) / Math.max(1, points.length - 1);
  const yOf = (y: number): number => HEIGHT - BOTTOM - (y / top) * (HEIGHT - TOP - BOTTOM);
  const grid = Array.from({ length: GRID + 1 }, (_, i) => {
    const y = (top * i) / GRID;
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(yOf(y))}" y2="${at(yOf(y))}" class="grid"/><text x="${LEFT - 8}" y="${at(yOf(y) + 4)}" text-anchor="end">${short(y)}</text>`;
  });
  const labels = points.map(
    ({ x }, i) => `<text x="${at(xOf(i))}" y="${HEIGHT - 12}" text-anchor="middle">${short(x)}</text>`,
  );
  const line = points.map(({ y }, i) => `${at(xOf(i))},${at(yOf(y))}`).join(' ');
  const dots = points.map(
    ({ x, y }, i) =>
      `<circle cx="${at(xOf(i))}" cy="${at(yOf(y))}" r="3.5"><title>${short(x)}: ${y.toFixed(1)} ${unit}</title></circle>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 14px; font-weight: 600; fill: #24292f }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  polyline { fill: none; stroke: #0969da; stroke-width: 2 }
  circle { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #8b949e } .title { fill: #e6edf3 } .grid { stroke: #30363d } polyline { stroke: #58a6ff } circle { fill: #58a6ff }
  }
</style>
<text x="${LEFT}" y="20" class="title">${title} (${unit})</text>
${[...grid, ...labels].join('\n')}
<polyline points="${line}"/>
${dots.join('\n')}
</svg>
`;
}

const at = (value: number): string => value.toFixed(1);

function short(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  if (value >= 1_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 5, 8, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}
