// The report as PDF, set by Typst: report.typ lays out what is in the document.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { NodeCompiler, type NodeTypstDocument } from '@myriaddreamin/typst-ts-node-compiler';
import type { Document } from './document.ts';

const TEMPLATE = join(import.meta.dirname, 'report.typ');

/**
 * The only fonts that are used beside Typst's own, so that no machine's fonts change the bytes. The report's own words
 * are in Inter. Of the others, Typst takes the first that has a letter of a note, a name or a path, which may be of any
 * script. Noto Sans Hans has Japanese beside Chinese, and Nanum Gothic has Korean.
 */
const FONTS = [
  ['@expo-google-fonts/inter', '400Regular/Inter_400Regular.ttf'],
  ['@expo-google-fonts/inter', '600SemiBold/Inter_600SemiBold.ttf'],
  ['@embedpdf/fonts-sc', '../fonts/NotoSansHans-Regular.otf'],
  ['@embedpdf/fonts-sc', '../fonts/NotoSansHans-Bold.otf'],
  ['@expo-google-fonts/nanum-gothic', '400Regular/NanumGothic_400Regular.ttf'],
  ['@expo-google-fonts/nanum-gothic', '700Bold/NanumGothic_700Bold.ttf'],
  ...['Arabic', 'Devanagari', 'Hebrew', 'Thai'].flatMap((script) =>
    ['400Regular', '600SemiBold'].map((weight) => [
      `@expo-google-fonts/noto-sans-${script.toLowerCase()}`,
      `${weight}/NotoSans${script}_${weight}.ttf`,
    ]),
  ),
] as [module: string, file: string][];

interface Pdf {
  /** The same bytes of the same document: no time is in them. */
  bytes: Buffer;
  /** A sentence about letters that no font has, where there are any. */
  warning: string | undefined;
}

export function toPdf(document: Document): Pdf {
  const { resolve } = createRequire(import.meta.url);
  const fontBlobs = FONTS.map(([module, file]) => readFileSync(join(resolve(module), '..', file)));
  const compiler = NodeCompiler.create({ workspace: import.meta.dirname, fontArgs: [{ fontBlobs }] });
  compiler.mapShadow(join(import.meta.dirname, 'document.json'), Buffer.from(JSON.stringify(document)));
  const compiled = compiler.compile({ mainFilePath: TEMPLATE });
  if (!compiled.result) {
    compiled.printDiagnostics();
    throw new Error('Typst could not set the report');
  }
  const missing = lettersWithoutFont(compiler, compiled.result);
  return {
    bytes: compiler.pdf(compiled.result),
    warning: missing.length > 0 ? inWords(missing, document) : undefined,
  };
}

/** PDF/A allows no letter without a font. A report needn't be PDF/A, but Typst then names those letters. */
function lettersWithoutFont(compiler: NodeCompiler, result: NodeTypstDocument): string[] {
  try {
    compiler.pdf(result, { pdfStandard: 'a-2u', creationTimestamp: 0 });
    return [];
  } catch (error) {
    const named = (error as Error).message.matchAll(/the text `\\"(.+?)\\"` could not be displayed/g);
    const texts = [...named].map(([, text = '']) =>
      // The letters come as Rust writes a text in a text.
      text.replaceAll(/\\+u\{([\da-f]+)\}/g, (_, code: string) => String.fromCodePoint(parseInt(code, 16))),
    );
    // What joins emoji is itself never seen.
    return [...new Set(texts)].filter((text) => !/^\p{Default_Ignorable_Code_Point}+$/u.test(text));
  }
}

/** More letters than these would only make the sentence long. */
const NAMED_LETTERS = 20;

function inWords(letters: readonly string[], document: Document): string {
  const places = [
    { title: 'the head', content: [document.title, document.subtitle, document.warnings] },
    ...document.sections.map(({ title, blocks }) => ({ title: `“${title}”`, content: blocks })),
  ].filter(({ content }) => letters.some((letter) => JSON.stringify(content).includes(letter)));
  const named = letters.slice(0, NAMED_LETTERS).map((letter) => `${letter} (${codesOf(letter)})`);
  const others = letters.length - named.length;
  return (
    `No font here has ${named.join(', ')}${others > 0 ? ` and ${String(others)} others` : ''}, so that boxes stand in ` +
    `their place, in ${places.map(({ title }) => title).join(', ')}.`
  );
}

function codesOf(letters: string): string {
  return Array.from(
    letters,
    (letter) => `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  ).join(' ');
}
