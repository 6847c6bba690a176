// The whole of a client: what is written goes to everybody else in the room, as it is.
const $ = (id) => document.getElementById(id);
const url = new URL("ws" + location.search, location);
url.protocol = location.protocol.replace("http", "ws");
let socket;

function log(line) {
  $("log").append(line + "\n");
  $("log").scrollTop = $("log").scrollHeight;
}

function init() {
  socket = new WebSocket(url);
  socket.onopen = () => log("Connected");
  socket.onmessage = (event) => log("< " + event.data);
  socket.onclose = () => log("Disconnected");
}

function send() {
  const text = $("text").value;
  if (!text || socket.readyState !== WebSocket.OPEN) return;
  socket.send(text);
  log("> " + text);
  $("text").value = "";
}

function quit() {
  socket.close();
}

function reconnect() {
  quit();
  init();
}

$("send").onclick = send;
$("quit").onclick = quit;
$("reconnect").onclick = reconnect;
$("text").onkeydown = (event) => event.key === "Enter" && send();
init();
