#!/bin/sh
# Drains: clients are told to come back, and what was accepted is published. Nothing is there to
# stop at the first deployment.
set -eu
if systemctl cat mesahub.service >/dev/null 2>&1; then
    systemctl stop mesahub.service
fi
