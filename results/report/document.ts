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
  columns: Column[];
  rows: Cell[][];
  /** The files and columns that it comes from; of a table in several, it stands below the last one. */
  source?: string;
}

interface Column {
  title: string;
  align: 'left' | 'right';
  /** The target that it tells of, by its index; undefined of a column that belongs to all. */
  target?: number;
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
export const ofTarget = (title: string, target: number) => ({ ...right(title), target });
export const list = (items: string[]) => ({ kind: 'list' as const, items });
export const paragraph = (text: string) => ({ kind: 'paragraph' as const, text });

/** Targets beside the baseline that a table, or a sentence about all of them, has room for. */
export const MOST_OTHERS = 3;

/** A table of more targets than a page is wide for as several ones: in each, the baseline stands beside some of them. */
export function tablesOf(table: Table): Table[] {
  const { columns, rows, values, source } = table;
  const others = Math.max(...columns.map(({ target = 0 }) => target));
  const parts = Math.ceil(others / MOST_OTHERS);
  if (parts <= 1) return [table];
  const room = Math.ceil(others / parts);
  return Array.from({ length: parts }, (_, part) => {
    const isHere = ({ target = 0 }: Column) => target === 0 || Math.ceil(target / room) === part + 1;
    return {
      kind: 'table',
      columns: columns.filter(isHere),
      rows: rows.map((cells) => cells.filter((_, index) => columns[index] && isHere(columns[index]))),
      ...(values !== undefined && { values: columns.slice(1, 1 + values).filter(isHere).length }),
      ...(source !== undefined && part === parts - 1 && { source }),
    };
  });
}
