// The password comes from PGPASSWORD; pgjdbc itself reads no such variable.
import java.sql.DriverManager;

class VerifyFull {
    public static void main(String[] arguments) throws Exception {
        var url = "jdbc:postgresql://{host}:{port}/{dbname}"
                + "?sslmode=verify-full&sslrootcert={bundle}";
        var query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        try (var connection =
                        DriverManager.getConnection(url, "{user}", System.getenv("PGPASSWORD"));
                var row = connection.createStatement().executeQuery(query)) {
            row.next();
            System.out.println(row.getString(1));
        }
    }
}
