"""Runs a statement with psycopg, whose wheel carries the newest libpq: the statement, then settings
`name=value`, of which the last of a name counts. The password comes from PGPASSWORD."""

import sys

import psycopg

settings = dict(word.split("=", 1) for word in sys.argv[2:])
try:
    with psycopg.connect(**settings) as session:
        print(session.execute(sys.argv[1]).fetchone()[0])
except psycopg.Error as error:
    sys.exit(str(error))
