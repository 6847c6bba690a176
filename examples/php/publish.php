<?php
// Publishes one message: php publish.php ROOM TEXT

/** The request that publishes `text`. Sent again with the same `key`, it publishes nothing more. */
function publishing(string $room, string $text, string $key): CurlHandle {
    $url = getenv("CHATROOM_URL") . "/api/v1/rooms/" . rawurlencode($room) . "/messages";
    $request = curl_init($url);
    curl_setopt_array($request, [
        CURLOPT_POSTFIELDS => json_encode(["text" => $text], JSON_THROW_ON_ERROR),
        CURLOPT_HTTPHEADER => [
            "Authorization: Bearer " . getenv("CHATROOM_KEY"),
            "Content-Type: application/json",
            "Idempotency-Key: $key",
        ],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 5,
    ]);
    return $request;
}

/** Publishes `text`, and tries again where the server does not answer; its `seq` in the room. */
function publish(string $room, string $text): int {
    $request = publishing($room, $text, bin2hex(random_bytes(16)));
    for ($try = 1; ; $try++) {
        $answer = curl_exec($request);
        $status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
        if ($status === 200 || $status === 201) return json_decode($answer)->seq;
        $later = in_array($status, [0, 429, 503], true);
        if (!$later || $try === 3) throw new RuntimeException($answer ?: curl_error($request));
        sleep($try);
    }
}

if (realpath($_SERVER["SCRIPT_FILENAME"]) === __FILE__) {
    echo publish($argv[1], $argv[2]), "\n";
}
