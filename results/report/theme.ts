// The theme of pages and pictures: the fonts, and each colour of a light page with its colour on a dark one.

/** Inter where a machine has it, else the font of its own system. In the PDF it is always Inter. */
export const FONTS = 'Inter, system-ui, sans-serif';

/**
 * The colours of the targets, in their order. The first four, dark blue, orange, light blue and grey, differ for the
 * colour-blind; in grey print, and of further targets, the dashes and shapes tell them apart.
 */
export const TARGET_COLOURS = ['#0b3c7d', '#d95f02', '#56b4e9', '#7f7f7f', '#009e73', '#aa3f8a', '#8a6d00'];

/** Maps each colour of a light page to its colour on a dark one: as easy to tell from the background, which is GitHub's. */
export const DARK: Record<string, string> = {
  white: '#0d1117',
  '#000': '#f0f6fc',
  '#111': '#f0f6fc',
  '#222': '#e6edf3',
  '#444': '#c9d1d9',
  '#555': '#b1bac4',
  '#888': '#8b949e',
  '#999': '#6e7681',
  '#e4e4e4': '#30363d',
  '#f6f6f6': '#161b22',
  '#b00020': '#ff7b72',
  '#0b3c7d': '#a5c8ff',
  '#d95f02': '#f5883a',
  '#56b4e9': '#2b86c5',
  '#7f7f7f': '#8f8f8f',
  '#009e73': '#00b889',
  '#aa3f8a': '#d977bb',
  '#8a6d00': '#c9a227',
};

/** Rules of a style sheet, which win over the attributes of drawings, where a reader has set dark pages. */
export const DARK_DRAWINGS = `@media screen and (prefers-color-scheme:dark){${Object.entries(DARK)
  .map(([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`)
  .join('')}}`;
