// What a report consists of, whatever it is printed as. content.ts makes it, pdf.ts and html.ts print it.

export interface Document {
  title: string;
  subtitle: string;
  /** On every page, in red: why it must not be taken for a result as any other. */
  warnings: string[];
  sections: Section[];
}

export interface Section {
  title: string;
  blocks: Block[];
}

export type Block =
  | { kind: 'paragraph'; text: string }
  /** The sentence to read if no other one is. */
  | { kind: 'headline'; text: string }
  /** In red. */
  | { kind: 'alert'; text: string }
  | { kind: 'list'; items: string[] }
  | { kind: 'code'; text: string }
  | Table
  | Figure;

export interface Table {
  kind: 'table';
  /** Of the columns after the first one, right is for numbers. */
  columns: { title: string; align: 'left' | 'right' }[];
  rows: Cell[][];
  /** The files and columns that it comes from. */
  source: string;
}

/** Text, red where it is an alert. */
export type Cell = string | { alert: string };

export interface Figure {
  kind: 'figure';
  svg: string;
  caption: string;
  /** What is to be seen, for those who can't. */
  alt: string;
  /** Every value in it, for a report that can be opened to read them; none for a drawing. */
  values?: Table;
}

export const left = (title: string) => ({ title, align: 'left' as const });
export const right = (title: string) => ({ title, align: 'right' as const });
export const paragraph = (text: string) => ({ kind: 'paragraph' as const, text });
