// The report as PDF, set by Typst: report.typ lays out what is in the document.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import type { Document } from './document.ts';

const TEMPLATE = join(import.meta.dirname, 'report.typ');

/** The only ones that are used beside Typst's own, so that no machine's fonts change the bytes. */
const FONTS = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'];

/** @returns the same bytes of the same document: no time is in them */
export function toPdf(document: Document): Buffer {
  const { resolve } = createRequire(import.meta.url);
  const fontBlobs = FONTS.map((font) => readFileSync(resolve(`@expo-google-fonts/inter/${font}`)));
  const compiler = NodeCompiler.create({ workspace: import.meta.dirname, fontArgs: [{ fontBlobs }] });
  compiler.mapShadow(join(import.meta.dirname, 'document.json'), Buffer.from(JSON.stringify(document)));
  const compiled = compiler.compile({ mainFilePath: TEMPLATE });
  if (!compiled.result) {
    compiled.printDiagnostics();
    throw new Error('Typst could not set the report');
  }
  return compiler.pdf(compiled.result);
}
