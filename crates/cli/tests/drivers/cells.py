"""What the drivers in Python share: cells in, answers out; psql.sh says how both look."""

import re
import sys

QUERY = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def python():
    import ssl

    release = ssl.OPENSSL_VERSION.split()[1].rsplit(".", 1)[0]
    return f"Python {sys.version_info.major}.{sys.version_info.minor} with OpenSSL {release}"


def answer(client, ground, connect):
    """`connect` takes an URL and answers whether the session has TLS."""
    print(client, ground, sep="\t")
    for line in sys.stdin:
        host, port, sslmode, root = line.rstrip("\n").split("\t")
        given = [f"sslmode={sslmode}"] if sslmode != "-" else []
        if root != "-":
            given.append(f"sslrootcert={root}")
        url = f"postgresql://{sys.argv[1]}@{host}:{port}/postgres?{'&'.join(given)}"
        try:
            print("ok", "t" if connect(url) else "f", sep="\t")
        except Exception as error:
            # The line in Python's own source says nothing to its users.
            words = re.sub(r" \(_ssl\.c:\d+\)", "", " ".join(str(error).split()))
            print("no", f"{type(error).__name__}: {words}", sep="\t")
