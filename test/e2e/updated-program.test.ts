/** The program is updated or removed while it runs: an import ends as it would have, or says what happened; never that rows are to blame. */
import { cpSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ROOT, workplace, type Workplace } from '../support/cli.js';
import { jsonLines, mapping, testRows } from '../support/imports.js';

const opened: Workplace[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

/** A place with a program of its own. */
function installed(): { readonly at: Workplace; readonly command: string[]; readonly dist: string } {
  const at = workplace();
  opened.push(at);
  for (const name of ['bin', 'dist', 'package.json'])
    cpSync(join(ROOT, name), at.path(`app/${name}`), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), at.path('app/node_modules'));
  return { at, command: [process.execPath, at.path('app/bin/zep-import.js')], dist: at.path('app/dist') };
}

describe('a program that is replaced while it runs', () => {
  it('ends a long import with its summary and its exit code', async () => {
    const { at, command, dist } = installed();
    const url = await at.serve(['--latency', '20']);
    at.write('rows.jsonl', jsonLines(testRows(1_000)));
    at.write('map.yaml', mapping());
    const flags = ['-m', 'map.yaml', '--create-missing', 'graphs', '--chunk-size', '8', '--concurrency', '1'];
    const running = at.start(['run', 'rows.jsonl', ...flags, '--progress', 'json', '-o', 'json'], {
      command,
      env: { ZEP_API_URL: url, ZEP_API_KEY: 'k' },
    });
    await running.saw(/"accepted":\d{3}/);
    rmSync(dist, { recursive: true });
    const ended = await running;
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'completed', accepted: 1_000 });
  });

  it.each([
    ['the script of the thread', /^parse-worker\.js$/],
    ['the parser of Word files', /^docx-/],
  ])('rejects no document because %s is gone', async (_, part) => {
    const { at, command, dist } = installed();
    cpSync(join(ROOT, 'fixtures/documents/report.docx'), at.path('docs/report.docx'));
    for (const name of readdirSync(dist).filter((each) => part.test(each))) rmSync(join(dist, name));
    const args = ['run', 'docs', '--graph', 'g', '--create-missing', 'graphs', '--local'];
    const { code, stdout, stderr } = await at.start(args, { command });
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('[program-part-missing]');
    expect(stdout).toContain('0 rejected');
    cpSync(join(ROOT, 'dist'), dist, { recursive: true });
    const again = await at.start(args, { command });
    expect(again.code, again.stderr).toBe(0);
  });
});
