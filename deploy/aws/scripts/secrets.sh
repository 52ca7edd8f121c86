#!/bin/sh
# Fetches the signing key, which only root and the service may read.
set -eu
umask 077
mkdir -p /etc/mesahub/secrets
aws secretsmanager get-secret-value --secret-id mesahub/signing-key \
    --query SecretString --output text >/etc/mesahub/secrets/signing-key
