#!/bin/bash
# listen.sh ROOM [SEQ]: prints each event of a room, a line of JSON each; those after event SEQ, too.
set -uo pipefail
room=$1 last=${2:-}

while true; do
    while IFS= read -r line; do
        case $line in
        id:*) last=${line#id: } ;;
        data:*) printf '%s\n' "${line#data: }" ;;
        esac
    done < <(curl --silent --no-buffer --header "Authorization: Bearer $CHATROOM_KEY" \
        ${last:+--header "Last-Event-ID: $last"} "$CHATROOM_URL/api/v1/rooms/$room/events")
    sleep $((1 + RANDOM % 3))
done
