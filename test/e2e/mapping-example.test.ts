import { afterEach, beforeEach, expect, it } from 'vitest';
import { workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeEach(() => {
  at = workplace();
});
afterEach(() => at.close());

const MAPPING = `version: 1
where: 'status != "deleted"'
each: turns
key: "{{ ticket_id }}-{{ turn_no }}"
item:
  type: thread_message
  user_id: "{{ customer.id }}"
  thread_id: "support-{{ ticket_id }}"
  role: { from: author, map: { agent: assistant, customer: user }, default: norole }
  name: "{{ author_name }}"
  content: "{{ body }}"
  created_at: { from: sent_at, format: "dd/MM/yyyy HH:mm", zone: Europe/Lisbon }
  metadata: { ticket: "{{ ticket_id }}", priority: { from: priority, type: number } }
oversize: split
batch: { metadata: { description: Support backfill }, ignore_roles: [assistant], strict_ontology: false }
tests:
  - row: { ticket_id: 7 }
    expect: { thread_id: support-7, role: user }
`;

it('one record with turns becomes messages that see the columns of the turn and of the ticket around it', async () => {
  const mapping = at.write('map.yaml', MAPPING);
  const ticket = {
    ticket_id: 7,
    status: 'open',
    priority: '2',
    customer: { id: 'c-1' },
    turns: [
      { turn_no: 1, author: 'customer', author_name: 'Ana', body: 'Where is my order?', sent_at: '01/07/2024 09:30' },
      { turn_no: 2, author: 'bot', author_name: 'Bot', body: 'One moment.', sent_at: '01/12/2024 09:31' },
    ],
  };
  const file = at.write(
    'tickets.jsonl',
    `${JSON.stringify(ticket)}\n${JSON.stringify({ ...ticket, status: 'deleted' })}\n`,
  );
  const { stdout, stderr, code } = await at.start(['preview', file, '-m', mapping, '-o', 'json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    read: 2,
    skipped: 1,
    items: [
      {
        owner: 'c-1',
        wire: {
          type: 'thread_message',
          thread_id: 'support-7',
          role: 'user',
          name: 'Ana',
          content: 'Where is my order?',
          created_at: '2024-07-01T08:30:00Z',
          metadata: { ticket: 7, priority: 2 },
        },
      },
      { wire: { role: 'norole', created_at: '2024-12-01T09:31:00Z' } },
    ],
  });
});
