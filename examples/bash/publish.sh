#!/bin/bash
# publish.sh ROOM TEXT: publishes one message, once.
set -euo pipefail
room=$1 text=$2

# As a JSON string.
text=${text//\\/\\\\}
text=${text//\"/\\\"}
text=${text//$'\n'/\\n}
text=${text//$'\t'/\\t}

key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
curl --silent --show-error --fail-with-body --max-time 10 --retry 5 --retry-max-time 60 --retry-connrefused \
    --header "Authorization: Bearer $CHATROOM_KEY" \
    --header "Content-Type: application/json" \
    --header "Idempotency-Key: $key" \
    --data "{\"text\": \"$text\"}" \
    "$CHATROOM_URL/api/v1/rooms/$room/messages"
echo
