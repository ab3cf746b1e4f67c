/** The mappings of the presets: ordinary mapping files, which `init --preset` writes out for editing. */
import type { PresetName } from '../model.js';
import { parseMapping } from './load.js';
import type { Mapping } from './mapping.js';

const SLACK = `# A Slack export: every message is an episode of one graph, day by day.
#
#   zep-import check export.zip -m slack.yaml --graph company
version: 1
source: { preset: slack }

# Joins, leaves, topics and the like say nothing of their own. To leave bots out: && !is_bot
where: 'coalesce(subtype, "") in ["", "bot_message", "file_share", "thread_broadcast", "me_message"] && plain_text != null'

# An edited message is the same message with new text.
key: '{{ channel_id }}-{{ ts }}'

item:
  type: graph_episode
  # Without --graph or --user: graph_id: company
  data_type: message
  # user_name: the real name, else the name shown, else the id. plain_text: with names for mentions, and links as text.
  data: '{{ user_name }}: {{ plain_text }}'
  created_at: { from: ts, format: epoch_s }
  source_description: { expr: '("Slack #" + channel).substring(0, 500)' }
  # A thread is one document, and what is said outside of threads is one a channel and day.
  document_id: { expr: '("slack-" + channel_id + "-" + coalesce(thread_ts, day)).substring(0, 100)' }
  metadata:
    channel: '{{ channel }}'
    ts: '{{ ts }}'
    thread_ts: { from: thread_ts, required: false }
    user: { from: user, required: false }
    edited: { from: edited.ts, required: false }
`;

const CHATGPT = `# Conversations of a ChatGPT export: a thread each, as the person saw it last.
#
#   zep-import check export.zip -m chatgpt.yaml --user ana --create-missing users,threads
version: 1
source: { preset: chatgpt }
# The export has the newest conversation first; the service builds facts in the order in which they come.
sort: created_at
each: messages
key: '{{ conversation_id }}-{{ message_id }}'
item:
  type: thread_message
  # What tools were asked and answered is left out; take "tool" in to keep it.
  when: 'role in ["user", "assistant"]'
  thread_id: 'chatgpt-{{ conversation_id }}'
  # Without --user: user_id: ana
  role: '{{ role }}'
  content: '{{ text }}'
  created_at: { from: [sent_at, create_time], format: epoch_s }
  metadata:
    title: { from: title, required: false }
    model: { from: model, required: false }
`;

const OPENAI_CHAT = `# Lines of messages arrays, as chat models take them: a thread a line.
#
#   zep-import check chats.jsonl -m openai-chat.yaml --user ana --create-missing users,threads
version: 1
source: { preset: openai-chat }
each: messages
key: '{{ conversation_id }}-{{ number }}'
item:
  type: thread_message
  when: 'text != null'
  thread_id: '{{ conversation_id }}'
  # Without --user: user_id: ana
  role: { from: role, map: { user: user, assistant: assistant, system: system, developer: system, tool: tool, function: function }, default: norole }
  name: { from: name, required: false }
  content: '{{ text }}'
  created_at: { from: sent_at, format: [epoch_s, iso], zone: UTC, required: false }
`;

const LOCOMO = `# LoCoMo: very long conversations between two people, one JSON object a file. The sessions lie under keys that carry a number
# (session_1, session_2, …), and each one's time stands beside it (session_1_date_time: "1:56 pm on 8 May, 2023").
#
#   zep-import check locomo/*.json -m locomo.yaml --create-missing users,threads
version: 1
source: { preset: locomo }
each:
  - 'entries(row).filter(e, e.key.matches("^session_[0-9]+$")).sort(e, e.key)'
  - value
key: '{{ source.stem }}-{{ dia_id }}'
item:
  type: thread_message
  thread_id: 'locomo-{{ source.stem }}-{{ parent.key }}'
  user_id: 'locomo-{{ source.stem }}'
  # The first of the two people is the user, the second the assistant.
  role: { expr: 'speaker == parent.parent.speaker_a ? "user" : "assistant"' }
  name: '{{ speaker }}'
  content: '{{ text }}'
  # The turns of a session share its time. The data set does not say a zone.
  created_at:
    expr: parent.parent[parent.key + "_date_time"]
    format: "h:mm a 'on' d MMMM, yyyy"
    zone: UTC
  metadata: { turn: '{{ dia_id }}', photo: '{{ blip_caption }}' }
`;

export const PRESET_MAPPINGS: Readonly<Record<PresetName, string>> = {
  slack: SLACK,
  chatgpt: CHATGPT,
  'openai-chat': OPENAI_CHAT,
  locomo: LOCOMO,
};

export function presetMapping(name: PresetName): Mapping {
  return parseMapping(PRESET_MAPPINGS[name], `preset ${name}`);
}
