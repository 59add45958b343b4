// The ingest function's work in Node.js: check the signature, parse, flatten statuses and clicks, write lines.
// `node ingest.mjs repeat BODY COUNT` does it COUNT times; `node ingest.mjs serve FILE` serves it over HTTP, and answers a
// webhook when its lines are on disk.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const SECRET = 'test-meta-app-secret';

function isSigned(body, header) {
  const expected = Buffer.from('sha256=' + createHmac('sha256', SECRET).update(body).digest('hex'));
  const given = Buffer.from(header ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function flatten(body, receivedAt) {
  let lines = '';
  for (const entry of JSON.parse(body).entry ?? []) {
    for (const change of entry.changes ?? []) {
      const value = change.value ?? {};
      const common = { provider: 'meta', account_id: entry.id, phone_number_id: value.metadata?.phone_number_id, received_at: receivedAt };
      for (const status of value.statuses ?? []) {
        const error = status.errors?.[0];
        lines += JSON.stringify({
          table: 'statuses', event_ts: Number(status.timestamp) * 1000, ...common, message_id: status.id, status: status.status,
          wa_id: status.recipient_id, conversation_id: status.conversation?.id, conversation_origin: status.conversation?.origin?.type,
          billable: status.pricing?.billable, pricing_model: status.pricing?.pricing_model, pricing_type: status.pricing?.type,
          pricing_category: status.pricing?.category, error_code: error?.code, error_title: error?.title,
          callback_data: status.biz_opaque_callback_data,
        }) + '\n';
      }
      for (const message of value.messages ?? []) {
        const reply = message.interactive?.button_reply ?? message.interactive?.list_reply;
        lines += JSON.stringify({
          table: reply ? 'clicks' : 'messages', event_ts: Number(message.timestamp) * 1000, ...common, click_id: message.id,
          message_id: message.context?.id, wa_id: message.from, kind: message.interactive?.type ?? message.type,
          button_id: reply?.id, button_text: reply?.title,
        }) + '\n';
      }
    }
  }
  return lines;
}

function handle(body, signature) {
  return isSigned(body, signature) ? flatten(body, Date.now()) : null;
}

const [mode, path, count] = process.argv.slice(2);
if (mode === 'repeat') {
  const body = readFileSync(path);
  const signature = 'sha256=' + createHmac('sha256', SECRET).update(body).digest('hex');
  let lines = 0;
  for (let turn = 0; turn < Number(count); turn += 1) {
    lines += handle(body, signature).split('\n').length - 1;
  }
  console.log(lines);
} else {
  const file = await open(path, 'a');
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200).end('{"ok":true}');
      return;
    }
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', async () => {
      const lines = handle(Buffer.concat(pieces), request.headers['x-hub-signature-256']);
      if (lines) {
        await file.appendFile(lines);
        await file.datasync();
      }
      response.writeHead(lines === null ? 401 : 200).end();
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
}
