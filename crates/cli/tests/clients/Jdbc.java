// Connects with pgjdbc as its first argument says, as the user of its second, and prints what the
// server knows of the session's TLS: whether, which protocol, which cipher. The password comes
// from PGPASSWORD.

import java.sql.DriverManager;

class Jdbc {
    public static void main(String[] arguments) throws Exception {
        var query = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        var password = System.getenv("PGPASSWORD");
        try (var session = DriverManager.getConnection(arguments[0], arguments[1], password);
                var statement = session.createStatement();
                var row = statement.executeQuery(query)) {
            row.next();
            System.out.println(
                    row.getString(1) + " " + row.getString(2) + " " + row.getString(3));
        }
    }
}
