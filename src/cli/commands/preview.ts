/** `preview`: the first mapped items, exactly as they would be sent. Nothing is written, no service is asked. */
import { describePosition } from '../../model.js';
import { printable } from '../../progress/escape.js';
import { runPreview } from '../../run/preview-run.js';
import { commandNames } from '../command-names.js';
import { EXIT } from '../exit-codes.js';
import { openInputs } from '../inputs.js';
import { print, type Io } from '../io.js';
import type { Values } from '../options.js';

export async function preview(args: readonly string[], values: Values, io: Io): Promise<void> {
  const inputs = await openInputs(args, values, commandNames, io.stdin, (_, message) => {
    io.stderr.write(`${printable(message)}\n`);
  });
  const { items, rejections, skipped, read } = await runPreview(
    inputs.sources,
    inputs.mapper,
    { items: values.items, skip: values.skip },
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
    await print(io.stdout, `${JSON.stringify(json)}\n`);
  } else {
    for (const item of items) {
      const owner = item.owner === undefined ? '' : `  (thread of user ${printable(item.owner)})`;
      await print(
        io.stdout,
        `# ${printable(describePosition(item.position))}${owner}\n${JSON.stringify(item.wire, null, 2)}\n`,
      );
    }
    for (const rejection of rejections) {
      await print(
        io.stderr,
        `rejected ${printable(describePosition(rejection.position))}: ${printable(rejection.message)}\n`,
      );
    }
    await print(
      io.stderr,
      `${items.length} items from ${read} records${skipped > 0 ? `, ${skipped} skipped` : ''}${
        rejections.length > 0 ? `, ${rejections.length} rejected` : ''
      }; nothing was sent. Next: zep-import check\n`,
    );
  }
  io.exitCode = rejections.length > 0 ? EXIT.finishedWithErrors : EXIT.ok;
}
