<?php
// Publishes after the page was sent, all at the same time: php publish_many.php ROOM < LINES

require_once __DIR__ . "/publish.php";

/** Published when the page is done; which of several comes first is not said. */
function publish_later(string $room, string $text): void {
    static $waiting = null;
    if ($waiting === null) {
        $waiting = new ArrayObject();
        register_shutdown_function(fn() => publish_all($waiting->getArrayCopy()));
    }
    $waiting[] = publishing($room, $text, bin2hex(random_bytes(16)));
}

/** @param CurlHandle[] $requests */
function publish_all(array $requests): void {
    // From here on the visitor has the page, and waits for nothing (PHP-FPM).
    if (function_exists("fastcgi_finish_request")) fastcgi_finish_request();
    $together = curl_multi_init();
    curl_multi_setopt($together, CURLMOPT_MAX_TOTAL_CONNECTIONS, 4);
    foreach ($requests as $request) curl_multi_add_handle($together, $request);
    do {
        $status = curl_multi_exec($together, $running);
        if ($running) curl_multi_select($together);
    } while ($running && $status === CURLM_OK);
    foreach ($requests as $request) {
        $status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);
        if ($status >= 300 || !$status) error_log("not published: " . curl_multi_getcontent($request));
        curl_multi_remove_handle($together, $request);
    }
}

if (realpath($_SERVER["SCRIPT_FILENAME"]) === __FILE__) {
    while (($line = fgets(STDIN)) !== false) publish_later($argv[1], rtrim($line, "\n"));
    echo "the page\n";
}
