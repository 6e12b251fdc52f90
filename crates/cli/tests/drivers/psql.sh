#!/usr/bin/env bash
# Answers cells with psql. Like every driver here: $1 is the user, PGPASSWORD the password; a line
# of the input is a cell, `host port sslmode root` with tabs between and `-` for what is not given; the first
# line of the output is the client and what it runs on, each other one a cell's answer, `ok` with
# pg_stat_ssl.ssl, or `no` with the client's own words.
set -u
query='SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
. /etc/os-release
major=$(psql --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
printf 'psql\t%s of %s %s\n' "$major" "${NAME%% *}" "${VERSION_ID:-}"
while IFS=$'\t' read -r host port sslmode root; do
  words="host=$host port=$port user=$1 dbname=postgres"
  [ "$sslmode" = - ] || words="$words sslmode=$sslmode"
  [ "$root" = - ] || words="$words sslrootcert=$root"
  if said=$(psql --no-psqlrc -Atw --command "$query" "$words" 2>&1 </dev/null); then
    printf 'ok\t%s\n' "$said"
  else
    printf 'no\t%s\n' "${said//$'\n'/ }"
  fi
done
