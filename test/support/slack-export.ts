/** A Slack export in the form that Slack documents: channels, direct messages, threads, edits, bots and files. */
export const SLACK_FILES: Readonly<Record<string, unknown>> = {
  'users.json': [
    { id: 'U1', name: 'ana', profile: { real_name: 'Ana Prado', display_name: 'ana.p' } },
    { id: 'U2', name: 'bo', deleted: true, profile: { real_name: '', display_name: 'Bo' } },
    { id: 'U3', name: 'nameless' },
  ],
  'channels.json': [
    { id: 'C1', name: 'general', members: ['U1', 'U2'] },
    { id: 'C2', name: 'dev-10' },
    { id: 'C3', name: 'dev-9' },
  ],
  'groups.json': [{ id: 'G1', name: 'board' }],
  'dms.json': [{ id: 'D1', members: ['U1', 'U2'] }],
  'mpims.json': [{ id: 'M1', name: 'mpdm-ana--bo-1', members: ['U1', 'U2'] }],
  'general/2024-05-01.json': [
    {
      type: 'message',
      subtype: 'channel_join',
      user: 'U1',
      text: '<@U1> has joined the channel',
      ts: '1714550000.000100',
    },
    {
      type: 'message',
      user: 'U1',
      text: 'Hi <@U2>, see <#C2|dev-10> &amp; <https://a.b/c|the page>',
      ts: '1714550001.000100',
      thread_ts: '1714550001.000100',
      reply_count: 1,
    },
    { type: 'message', user: 'U2', text: 'Yes <!here>', ts: '1714550002.000100', thread_ts: '1714550001.000100' },
    {
      type: 'message',
      user: 'U3',
      text: 'fixed',
      ts: '1714550003.000100',
      edited: { user: 'U3', ts: '1714550009.000000' },
    },
    {
      type: 'message',
      subtype: 'bot_message',
      bot_id: 'B1',
      username: 'Deploy',
      text: 'done: <https://a.b/c>',
      ts: '1714550004.000100',
    },
    { type: 'message', user: 'U1', text: '', files: [{ name: 'a.pdf', title: 'Plan' }], ts: '1714550005.000100' },
  ],
  'general/2024-05-02.json': [
    {
      type: 'message',
      user: 'U9',
      user_profile: { real_name: 'Gone Guest' },
      text: 'next day',
      ts: '1714640000.000100',
    },
  ],
  'dev-10/2024-05-01.json': [{ type: 'message', user: 'U1', text: 'ten', ts: '1714550000.000100' }],
  'dev-9/2024-05-01.json': [{ type: 'message', user: 'U1', text: 'nine', ts: '1714550000.000100' }],
  'board/2024-05-01.json': [{ type: 'message', user: 'U1', text: 'private', ts: '1714550000.000100' }],
  'D1/2024-05-01.json': [{ type: 'message', user: 'U1', text: 'direct', ts: '1714550000.000100' }],
  'mpdm-ana--bo-1/2024-05-01.json': [{ type: 'message', user: 'U1', text: 'group', ts: '1714550000.000100' }],
};

/** What comes of it, day by day, without direct messages. */
export const SLACK_TEXTS = [
  'Ana Prado: private',
  'Ana Prado: nine',
  'Ana Prado: ten',
  'Ana Prado: Hi @Bo, see #dev-10 & the page (https://a.b/c)',
  'Bo: Yes @here',
  'nameless: fixed',
  'Deploy: done: https://a.b/c',
  'Ana Prado: [shared file: Plan]',
  'Gone Guest: next day',
];
