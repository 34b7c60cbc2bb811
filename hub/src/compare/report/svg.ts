/** What the plots have in common: escaped text, scales, axes. Colours are custom properties of the page. */

/** Text for HTML and SVG, in elements and in attributes. */
export const escapeText = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => entities[character]);

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export interface Scale {
  (value: number): number;
  domain: readonly [number, number];
}

/** A linear scale from values to places. A domain of one value is widened around it. */
export function linear(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [low, high] = domain;
  const wide: [number, number] = high > low ? [low, high] : [low - 0.5, high + 0.5];
  const scale = (value: number) =>
    range[0] + ((value - wide[0]) / (wide[1] - wide[0])) * (range[1] - range[0]);
  return Object.assign(scale, { domain: wide });
}

/** The smallest and largest of the finite values, with a share of their distance added on both sides. */
export function extent(values: readonly number[], padding = 0.05): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const space = (high - low) * padding;
  return [low - space, high + space];
}

/** About `count` round values within a domain: multiples of 1, 2 or 5 times a power of ten. */
export function ticks([low, high]: readonly [number, number], count = 6): { value: number; text: string }[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const value = (first + i) * step;
    return { value, text: large(value) ? value.toExponential(1) : value.toFixed(Math.min(decimals, 10)) };
  });
}

const large = (value: number) => Math.abs(value) >= 1e7;

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Vertical lines of a grid, with their values and a label below. */
export function xAxis(x: Scale, { width, height, left, right, top, bottom }: Frame, label: string): string {
  const lines = ticks(x.domain).map(
    ({ value, text }) =>
      `<line class="grid" x1="${at(x(value))}" x2="${at(x(value))}" y1="${top}" y2="${height - bottom}"/>` +
      `<text class="tick" x="${at(x(value))}" y="${height - bottom + 16}" text-anchor="middle">${text}</text>`,
  );
  const middle = (left + width - right) / 2;
  return `${lines.join("")}<text class="label" x="${middle}" y="${height - bottom + 36}" text-anchor="middle">${escapeText(label)}</text>`;
}

/** Horizontal lines of a grid, with their values and a label above. */
export function yAxis(y: Scale, { width, left, right, top }: Frame, label: string): string {
  const lines = ticks(y.domain).map(
    ({ value, text }) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${at(y(value))}" y2="${at(y(value))}"/>` +
      `<text class="tick" x="${left - 8}" y="${at(y(value) + 4)}" text-anchor="end">${text}</text>`,
  );
  return `${lines.join("")}<text class="label" x="0" y="${top - 12}">${escapeText(label)}</text>`;
}

/** A drawing that is read out by its title and description. */
export function drawing(
  id: string,
  { width, height }: Frame,
  title: string,
  about: string,
  body: string,
): string {
  return (
    `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-about">` +
    `<title id="${id}-title">${escapeText(title)}</title><desc id="${id}-about">${escapeText(about)}</desc>${body}</svg>`
  );
}

/** The series of a plot: first the baseline, a square; then the other, a disc. Shape tells them apart without colour. */
export type Series = "baseline" | "other";

export const mark = (series: Series, x: number, y: number, radius = 5, about = ""): string => {
  const title = about === "" ? "" : `<title>${escapeText(about)}</title>`;
  return series === "baseline"
    ? `<rect class="${series}" x="${at(x - radius)}" y="${at(y - radius)}" width="${at(2 * radius)}" height="${at(2 * radius)}">${title}</rect>`
    : `<circle class="${series}" cx="${at(x)}" cy="${at(y)}" r="${at(radius)}">${title}</circle>`;
};

/** A place, rounded to what a screen can show. */
export const at = (place: number): string => String(Math.round(place * 10) / 10);
