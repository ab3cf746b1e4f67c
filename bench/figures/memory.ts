/** F3: memory that does not grow with the input. */
import { fresh, type Bench, type Figure } from '../bench.js';
import { mib } from '../support.js';

const MOST_BYTES = 200 * 1000 * 1000;

export async function memory(bench: Bench): Promise<readonly Figure[]> {
  const few = bench.size(500_000);
  const many = bench.size(5_000_000);
  const mapping = ['-m', bench.inputs.mapping('episodes'), '--create-missing', 'none'];
  const peak = async (rows: number, way: 'file' | 'stdin', flags: readonly string[]): Promise<number> => {
    const file = await bench.inputs.rows(rows);
    const input =
      way === 'file'
        ? { sources: [file], flags }
        : { sources: ['-'], stdin: file, flags: [...flags, '--format', 'jsonl'] };
    return (await fresh(bench, rows, input)()).peakBytes;
  };
  const figures: Figure[] = [];
  for (const way of ['file', 'stdin'] as const) {
    const small = await peak(few, way, mapping);
    const large = await peak(many, way, mapping);
    const from = way === 'file' ? 'a file' : 'standard input';
    figures.push(
      {
        id: way === 'file' ? 'F3' : '',
        what: `peak memory from ${from}: ${few.toLocaleString('en')} rows; ${many.toLocaleString('en')} rows`,
        reach: '≤ 191 MiB (200 MB)',
        measured: `${mib(small)}; ${mib(large)}`,
        isReached: Math.max(small, large) <= MOST_BYTES,
      },
      {
        id: '',
        what: `ten times the rows ÷ once, from ${from}`,
        reach: '≤ 1.15',
        measured: (large / small).toFixed(2),
        isReached: large / small <= 1.15,
      },
    );
  }
  const threads = bench.size(1_000_000);
  const file = await bench.inputs.rows(threads, 'jsonl', { destinations: threads });
  const { peakBytes } = await fresh(bench, threads, {
    sources: [file],
    flags: ['-m', bench.inputs.mapping('messages'), '--create-missing', 'threads', '--concurrency', 'auto'],
  })();
  figures.push({
    id: '',
    what: `peak memory, ${threads.toLocaleString('en')} messages for as many threads, dedupe on`,
    reach: '≤ 191 MiB (200 MB)',
    measured: mib(peakBytes),
    isReached: peakBytes <= MOST_BYTES,
  });
  return figures;
}
