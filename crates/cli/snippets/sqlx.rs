//! sqlx with its feature tls-rustls-aws-lc-rs. The password comes from PGPASSWORD.

// export DATABASE_URL='postgresql://{user}@{host}:{port}/{dbname}?sslmode=verify-full'
// export PGSSLROOTCERT={bundle_path}

use sqlx::{Connection as _, PgConnection};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut connection = PgConnection::connect(&std::env::var("DATABASE_URL")?).await?;
    let query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    println!("{}", sqlx::query_scalar::<_, String>(query).fetch_one(&mut connection).await?);
    Ok(())
}
