// Prints what is said in a room: node listen.mjs ROOM
import {setTimeout as pause} from "node:timers/promises";

const {CHATROOM_URL, CHATROOM_KEY} = process.env;

/** The events of a room from now on, each once and in order. */
export async function* events(room) {
  const url = `${CHATROOM_URL}/api/v1/rooms/${encodeURIComponent(room)}/events`;
  const headers = {"Authorization": `Bearer ${CHATROOM_KEY}`};
  for (;;) {
    const answer = await fetch(url, {headers}).catch(() => null);
    if (answer && [400, 401, 403, 404].includes(answer.status)) throw new Error(await answer.text());
    try {
      for await (const {id, data} of answer?.ok ? frames(answer.body) : []) {
        if (id) headers["Last-Event-ID"] = id;
        if (data) yield JSON.parse(data);
      }
    } catch {
      // The connection broke: what came meanwhile is asked for.
    }
    await pause(1_000 + Math.random() * 2_000);
  }
}

/** What a stream of server-sent events holds, a frame at a time. */
async function* frames(body) {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      yield Object.fromEntries(part.split("\n").map((line) => line.split(/: ?(.*)/s)));
    }
  }
}

for await (const {type, by, text} of events(process.argv[2])) {
  if (type === "message") console.log(`${by.name}: ${text}`);
}
