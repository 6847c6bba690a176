<?php
// A page with the chat, for who is logged in to your site: docs/embedding.md.

/** A token for ten minutes, which says who they are. */
function chat_token(string $id, string $name): string {
    $part = fn(string $bytes) => rtrim(strtr(base64_encode($bytes), "+/", "-_"), "=");
    $claims = ["sub" => $id, "name" => $name, "exp" => time() + 600];
    $token = $part('{"alg":"HS256","typ":"JWT"}') . "." . $part(json_encode($claims, JSON_THROW_ON_ERROR));
    return $token . "." . $part(hash_hmac("sha256", $token, trim(file_get_contents("/etc/chat.secret")), true));
}

if (session_status() === PHP_SESSION_NONE) session_start();
$user = $_SESSION["user"] ?? null;  // as your login has put it there: ["id" => …, "name" => …]
if (!$user) {
    http_response_code(403);
    exit("Log in first.");
}
if (isset($_GET["token"])) {
    header("Content-Type: text/plain");
    header("Cache-Control: no-store");
    exit(chat_token((string) $user["id"], $user["name"]));
}
?>
<!doctype html>
<meta charset="utf-8">
<title>Chat</title>
<ul id="said"></ul>
<script type="module">
  import {Chatroom} from "<?= htmlspecialchars(getenv("CHATROOM_URL")) ?>/chatroom.js";

  const token = async () => (await fetch("?token")).text();
  const chat = new Chatroom({token: await token()});
  setInterval(async () => chat.reconnect({token: await token()}), 8 * 60_000);
  chat.join("lobby").on("message", ({by, text}) => {
    const line = document.createElement("li");
    line.textContent = `${by.name}: ${text}`;
    document.getElementById("said").append(line);
  });
</script>
