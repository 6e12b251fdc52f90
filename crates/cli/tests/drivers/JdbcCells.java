// Answers cells with pgjdbc; psql.sh says how cells and answers look.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.sql.DriverManager;

class JdbcCells {
    static final String QUERY = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

    public static void main(String[] arguments) throws Exception {
        var driver = new org.postgresql.Driver();
        System.out.printf(
                "pgjdbc\t%d.%d on Java %d%n",
                driver.getMajorVersion(),
                driver.getMinorVersion(),
                Runtime.version().feature());
        var cells = new BufferedReader(new InputStreamReader(System.in));
        for (var line = cells.readLine(); line != null; line = cells.readLine()) {
            System.out.println(answer(line.split("\t"), arguments[0]));
        }
    }

    static String answer(String[] cell, String user) {
        var url = "jdbc:postgresql://%s:%s/postgres?".formatted(cell[0], cell[1]);
        if (!cell[2].equals("-")) {
            url += "sslmode=" + cell[2] + "&";
        }
        if (!cell[3].equals("-")) {
            url += "sslrootcert=" + cell[3];
        }
        var password = System.getenv("PGPASSWORD");
        try (var session = DriverManager.getConnection(url, user, password);
                var statement = session.createStatement();
                var row = statement.executeQuery(QUERY)) {
            row.next();
            return "ok\t" + row.getString(1);
        } catch (Exception error) {
            return "no\t" + words(error).replaceAll("\\s+", " ");
        }
    }

    /** The whole chain: what failed in TLS stands in a cause. */
    static String words(Throwable error) {
        var words = error.getMessage();
        for (var cause = error.getCause(); cause != null; cause = cause.getCause()) {
            var more = cause.getMessage();
            if (more != null && !words.contains(more)) {
                words += ": " + more;
            }
        }
        return words;
    }
}
