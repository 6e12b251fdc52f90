"""An application of psycopg: `verify`, or `trust-anything`, which wants TLS and looks at nothing."""

import os
import sys

import psycopg

tls = {
    "verify": {"sslmode": "verify-full"},
    "trust-anything": {"sslmode": "require", "sslrootcert": ""},
}[sys.argv[1]]

with psycopg.connect(os.environ["DATABASE_URL"], **tls) as connection:
    print(connection.execute("SELECT 'served'").fetchone()[0])
