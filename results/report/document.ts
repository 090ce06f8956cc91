// What a report consists of, whatever it is printed as: compose.ts makes it, pdf.ts and html.ts print it.

export interface Document {
  title: string;
  subtitle: string;
  /** Why this is not a result like others: printed in red on every page. */
  warnings: string[];
  sections: Section[];
}

export interface Section {
  title: string;
  blocks: Block[];
}

export type Block =
  | Text<'paragraph'>
  /** The sentence to read if no other one is. */
  | Text<'headline'>
  /** The text stands in red. */
  | Text<'alert'>
  | { kind: 'list'; items: string[] }
  | { kind: 'code'; text: string }
  | Table
  | Picture;

interface Text<Kind> {
  kind: Kind;
  text: string;
  /** The title of the section that tells more: a colon and its page, or a link to it, are printed behind the text. */
  see?: string;
}

export interface Table {
  kind: 'table';
  /**
   * How many columns of values follow the first column. The others, which compare them, belong to the last ones of these:
   * where there is little room, they stand below them.
   */
  values?: number;
  /** The first column has no numbers; the others align numbers right. */
  columns: { title: string; align: 'left' | 'right' }[];
  rows: Cell[][];
  /** The files and columns that it comes from. */
  source: string;
}

/** A text, in bold letters, or in red ones. */
export type Cell = string | { strong: string } | { alert: string };

export interface Picture {
  kind: 'picture';
  svg: string;
  caption: string;
  /** A description for readers who can't see the picture. */
  alt: string;
  /** Every value in the picture, for a report in which a reader can open them; none for a drawing. */
  values?: Table;
}

export const left = (title: string) => ({ title, align: 'left' as const });
export const right = (title: string) => ({ title, align: 'right' as const });
export const paragraph = (text: string) => ({ kind: 'paragraph' as const, text });
