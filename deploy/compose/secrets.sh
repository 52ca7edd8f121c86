#!/bin/sh
# Makes the secrets of the Compose files in ./secrets, once: what is there stays.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

random() {
    head -c 48 /dev/urandom | base64 | tr -d '+/=\n'
}

# Writes standard input into a file, unless it is there. Compose mounts the file as it is, and
# neither Mesahub (user 65532) nor the brokers run as root, so anyone may read it: the folder may
# only be entered by its owner.
keep() {
    if [ -e "secrets/$1" ]; then
        cat >/dev/null
        return
    fi
    cat >"secrets/$1"
    chmod 444 "secrets/$1"
}

random | keep signing-key
random | keep backplane-password
password=$(cat secrets/backplane-password)
printf 'user: mesahub\npassword: "%s"\n' "$password" | keep nats-login.conf
printf 'default_user = mesahub\ndefault_pass = %s\n' "$password" | keep rabbitmq-login.conf
