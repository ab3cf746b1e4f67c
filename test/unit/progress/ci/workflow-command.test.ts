/** No text from outside becomes a command of a CI system, and those we mean arrive whole. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonLine, printable } from '../../../../src/progress/escape.js';
import { workflowCommand } from '../../../../src/progress/ci/workflow-command.js';
import { commandsIn } from '../../../support/runner-commands.js';

/** Texts that look like commands, put together from the pieces that matter. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        ':',
        '##[',
        '##',
        '#',
        '[',
        ']',
        '%',
        '%0A',
        '%3A',
        ',',
        '=',
        '\n',
        '\r',
        '\u2028',
        '\u001b[2K',
        ' ',
      ),
      fc.constantFrom('error', 'add-mask', 'stop-commands', 'set-output name=a', 'vso[task.setvariable]'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

describe('a workflow command', () => {
  test('is one command whatever its texts hold, and the runner reads what was meant', () => {
    fc.assert(
      fc.property(nasty, nasty, nasty, fc.integer({ min: 1, max: 1e9 }), (file, title, message, line) => {
        const written = workflowCommand('error', { file, line, title }, message);
        expect(written.split(/[\r\n]/)).toHaveLength(1);
        const [command, ...others] = commandsIn(written);
        expect(others).toEqual([]);
        expect(command?.name).toBe('error');
        expect(command?.properties['line']).toBe(String(line));
        if (file !== '') expect(command?.properties['file']).toBe(printable(file));
        expect(command?.data).toBe(
          message
            .split('\n')
            .map((each) => printable(each))
            .join('\n')
            .replace(/[^\S\n]+$/u, ''),
        );
      }),
    );
  });

  test('escapes what the documentation of GitHub says', () => {
    expect(workflowCommand('error', { file: 'a,b:c.csv', line: 3, title: '100%' }, '50%: a::b\nnext')).toBe(
      '::error file=a%2Cb%3Ac.csv,line=3,title=100%25::50%25: a::b%0Anext',
    );
    expect(workflowCommand('notice', {}, 'x')).toBe('::notice::x');
  });
});

describe('outside text in ordinary output', () => {
  test('is no command, where a line begins or anywhere in it', () => {
    expect(printable('::add-mask::x')).toBe('\\x3a:add-mask::x');
    expect(printable('  ::error::x')).toBe('  \\x3a:error::x');
    expect(printable('a ##[error]b ##vso[task.complete]c')).toBe('a #\\x23[error]b #\\x23vso[task.complete]c');
    expect(printable('a::b, # heading, ## [link]')).toBe('a::b, # heading, ## [link]');
    fc.assert(
      fc.property(nasty, fc.constantFrom('', '  ', 'rejected '), (text, before) => {
        expect(commandsIn(before + printable(text))).toEqual([]);
      }),
    );
  });

  test('is none in a JSON line either, which reads back as the same value', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const line = jsonLine({ text });
        expect(commandsIn(line)).toEqual([]);
        expect(line).not.toMatch(/##\w*\[/);
        expect(JSON.parse(line)).toEqual({ text });
      }),
    );
  });
});
