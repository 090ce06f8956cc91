import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const EXAMPLES = join(import.meta.dirname, '..');
/** Reads a file, without the indentation that a quote does not need. */
const read = (file: string) => readFileSync(join(EXAMPLES, file), 'utf8').replaceAll(/^ +/gm, '');

test('the page quotes the first example as it is', () => {
  const quotes = [...read('README.md').matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, quote = '']) => quote);
  expect(quotes.length).toBeGreaterThan(4);
  const file = read('rest-or-grpc/servers.yaml');
  for (const quote of quotes) expect(file).toContain(quote);
});
