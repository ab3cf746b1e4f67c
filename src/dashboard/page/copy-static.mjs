// The parts of the page that need no compiler, put beside those that do.
import { copyFileSync, mkdirSync } from 'node:fs';

const from = new URL('./', import.meta.url);
const to = new URL('../../../dist/dashboard/page/', import.meta.url);
mkdirSync(to, { recursive: true });
for (const name of ['index.html', 'page.css', 'icon.svg']) copyFileSync(new URL(name, from), new URL(name, to));
