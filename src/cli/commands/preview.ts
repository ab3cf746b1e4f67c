/** `preview`: the first mapped items, exactly as they would be sent. Nothing is written, no service is asked. */
import { describePosition } from '../../model.js';
import { jsonLine, jsonLines, printable } from '../../progress/escape.js';
import { count, counted } from '../../progress/format.js';
import { NO_RECORDS } from '../../progress/text-parts.js';
import { runPreview, type Preview } from '../../run/preview-run.js';
import { commandNames } from '../command-names.js';
import { EXIT } from '../exit-codes.js';
import { openInputs } from '../inputs.js';
import { print, type Io } from '../io.js';
import { sameInput } from '../next-command.js';
import type { Values } from '../options.js';
import { isSorted } from '../sorting.js';

export async function preview(args: readonly string[], values: Values, io: Io): Promise<void> {
  const inputs = await openInputs(args, values, commandNames, io.stdin, (_, message, hint) => {
    if (values.quiet !== true)
      io.stderr.write(`warning: ${printable([message, ...(hint ? [hint] : [])].join('; '))}\n`);
  });
  const { items, rejections, skipped, read } = await runPreview(
    inputs.sources,
    inputs.mapper,
    {
      items: values.items,
      skip: values.skip,
      limit: values.limit ?? Number.POSITIVE_INFINITY,
      isSorted: isSorted(values, inputs.mapping),
    },
    new AbortController().signal,
  );
  if (values.output === 'json') {
    const json = {
      type: 'preview',
      read,
      skipped,
      items: items.map((item) => ({
        source: item.position.source.id,
        line: item.position.line,
        item: item.index,
        owner: item.owner,
        wire: item.wire,
      })),
      rejected: rejections.map(({ position, stage, code, field, message }) => ({
        source: position.source.id,
        line: position.line,
        stage,
        code,
        field,
        message,
      })),
      exit_code: rejections.length > 0 ? EXIT.finishedWithErrors : EXIT.ok,
    };
    await print(io.stdout, jsonLine(json));
  } else {
    for (const item of items) {
      const owner = item.owner === undefined ? '' : `  (thread of user ${printable(item.owner)})`;
      await print(io.stdout, `# ${printable(describePosition(item.position))}${owner}\n${jsonLines(item.wire)}`);
    }
    for (const rejection of rejections) {
      await print(
        io.stderr,
        `rejected ${printable(describePosition(rejection.position))}: ${printable(rejection.message)}\n`,
      );
    }
    if (values.quiet !== true) await print(io.stderr, lastLine(args, values, { items, rejections, skipped, read }));
  }
  io.exitCode = rejections.length > 0 ? EXIT.finishedWithErrors : EXIT.ok;
}

function lastLine(args: readonly string[], values: Values, { items, rejections, skipped, read }: Preview): string {
  if (read === 0) return `nothing to show: ${NO_RECORDS}; nothing was sent\n`;
  const asides = [
    ...(skipped > 0 ? [`, ${counted(skipped, 'record')} skipped`] : []),
    ...(rejections.length > 0 ? [`, ${count(rejections.length)} rejected`] : []),
  ];
  const told = `${counted(items.length, 'item')} from ${counted(read, 'record')}${asides.join('')}; nothing was sent`;
  return `${told}\nNext: ${printable(sameInput('check', args, values), 4096)}\n`;
}
