#!/bin/sh
# Waits until the server takes traffic, half a minute at most.
set -eu
attempt=0
until /usr/bin/mesahub health --ready --server http://127.0.0.1:5080; do
    attempt=$((attempt + 1))
    if [ "$attempt" -ge 30 ]; then
        exit 1
    fi
    sleep 1
done
