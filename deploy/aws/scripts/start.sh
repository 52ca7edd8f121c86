#!/bin/sh
set -eu
systemctl daemon-reload
systemctl enable --now mesahub.service
