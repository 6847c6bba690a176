// Publishes one message: node publish.mjs ROOM TEXT
import {randomUUID} from "node:crypto";
import {setTimeout as pause} from "node:timers/promises";

const {CHATROOM_URL, CHATROOM_KEY} = process.env;

/** Publishes `text`, and tries again where the server does not answer. */
export async function publish(room, text) {
  const url = `${CHATROOM_URL}/api/v1/rooms/${encodeURIComponent(room)}/messages`;
  const request = {
    method: "POST",
    headers: {
      "Authorization": `Bearer ${CHATROOM_KEY}`,
      "Content-Type": "application/json",
      "Idempotency-Key": randomUUID(),
    },
    body: JSON.stringify({text}),
  };
  for (let tries = 1; ; tries++) {
    const answer = await fetch(url, {...request, signal: AbortSignal.timeout(5_000)}).catch(() => null);
    if (answer?.ok) return answer.json();
    const later = !answer || answer.status === 429 || answer.status === 503;
    if (!later || tries === 3) throw new Error(answer ? await answer.text() : "no answer");
    await pause(tries * 1_000);
  }
}

const [room, text] = process.argv.slice(2);
console.log((await publish(room, text)).seq);
