#!/bin/sh
# Makes an authority that nobody knows and a certificate of its for `localhost`. Needs
# openssl. The keys are for tests: the server's lies here, the authority's is forgotten.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500"
# shellcheck disable=SC2086 # words, not one argument
openssl req -x509 $ec -subj "/CN=authority of the tests" -keyout "$work/authority.key" -out authority.pem \
  -addext "keyUsage=critical,keyCertSign"
# shellcheck disable=SC2086 # words, not one argument
openssl req $ec -subj "/CN=server of the tests" -keyout server.key -out "$work/server.csr"
printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n' > "$work/extensions"
openssl x509 -req -in "$work/server.csr" -CA authority.pem -CAkey "$work/authority.key" -CAcreateserial \
  -CAserial "$work/serial" -days 36500 -extfile "$work/extensions" -out server.pem
