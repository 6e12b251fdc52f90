//! sqlx, told everything in its URL.

use std::error::Error;

use sqlx::{Connection as _, PgConnection};

use crate::{Client, QUERY};

pub(crate) struct Sqlx;

impl Client for Sqlx {
    async fn ask(&self, url: &str, root: Option<&str>) -> Result<bool, Box<dyn Error>> {
        let separator = if url.contains('?') { '&' } else { '?' };
        let root = root.map(|path| format!("{separator}sslrootcert={path}")).unwrap_or_default();
        let mut session = PgConnection::connect(&(url.to_owned() + &root)).await?;
        let ssl = sqlx::query_scalar(QUERY).fetch_one(&mut session).await?;
        session.close().await?;
        Ok(ssl)
    }
}
