//! The roles that users made, read from one server and made in another of the same version.

use pgkeep_model::PasswordVerifier;

use crate::PostgresError;
use crate::admin::{Admin, literal};
use crate::text::Text;

/// Roles of the service and of PostgreSQL itself, which every server has.
const NOT_OURS: &str = "rolname ~ '^pg_' OR rolname IN
    ('rdsadmin', 'rds_superuser', 'rds_iam', 'rds_password', 'rds_replication')";

/// The roles of a server and who is a member of which, without passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    roles: Vec<Role>,
    /// What follows `GRANT`.
    memberships: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Role {
    name: String,
    can_login: bool,
    /// The name as SQL writes it, and the attributes.
    definition: String,
}

impl Admin {
    /// The roles that users made, the master user among them.
    pub async fn roles(&self) -> Result<Roles, PostgresError> {
        let sql = format!(
            "SELECT rolname::text, rolcanlogin, format('%I %s %s %s %s', rolname,
                 CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END,
                 CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
                 CASE WHEN rolcreatedb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
                 CASE WHEN rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END)
             FROM pg_roles WHERE NOT ({NOT_OURS}) AND NOT rolsuper ORDER BY rolname"
        );
        let role = |row: &tokio_postgres::Row| Role {
            name: row.get::<_, Text>(0).0,
            can_login: row.get(1),
            definition: row.get::<_, Text>(2).0,
        };
        Ok(Roles {
            roles: self.rows(&sql).await?.iter().map(role).collect(),
            memberships: self.memberships().await?,
        })
    }

    async fn memberships(&self) -> Result<Vec<String>, PostgresError> {
        let version = self.rows("SELECT current_setting('server_version_num')::int").await?;
        let is_16 = version.first().is_some_and(|row| row.get::<_, i32>(0) >= 160_000);
        let options = if is_16 {
            "format(' WITH ADMIN %s, INHERIT %s, SET %s', upper(bool_or(admin_option)::text),
                 upper(bool_or(inherit_option)::text), upper(bool_or(set_option)::text))"
        } else {
            "CASE WHEN bool_or(admin_option) THEN ' WITH ADMIN OPTION' ELSE '' END"
        };
        let sql = format!(
            "SELECT format('%I TO %I%s', g.rolname, m.rolname, {options})
             FROM pg_auth_members JOIN pg_roles g ON g.oid = roleid
                 JOIN (SELECT * FROM pg_roles WHERE NOT ({NOT_OURS}) AND NOT rolsuper) m
                     ON m.oid = member
             WHERE NOT g.rolsuper GROUP BY g.rolname, m.rolname ORDER BY 1"
        );
        Ok(self.rows(&sql).await?.iter().map(|row| row.get::<_, Text>(0).0).collect())
    }

    async fn rows(&self, sql: &str) -> Result<Vec<tokio_postgres::Row>, PostgresError> {
        let what = "list its roles";
        let rows = self.client.query(sql, &[]).await;
        rows.map_err(|source| PostgresError::Sql { what, source })
    }

    /// Makes the roles that are missing. Those that may log in get the password that `password_of`
    /// has for their name; what is there stays, but for its memberships.
    pub async fn ensure_roles(
        &self,
        roles: &Roles,
        password_of: impl Fn(&str) -> PasswordVerifier,
    ) -> Result<(), PostgresError> {
        let there = self.rows("SELECT rolname::text FROM pg_roles").await?;
        let there: Vec<_> = there.iter().map(|row| row.get::<_, Text>(0).0).collect();
        let missing = roles.roles.iter().filter(|role| !there.contains(&role.name));
        let creations = missing.map(|Role { name, can_login, definition }| {
            let verifier = can_login.then(|| password_of(name));
            let password = verifier.map(|it| format!(" PASSWORD {}", literal(it.reveal())));
            format!("CREATE ROLE {definition}{};", password.unwrap_or_default())
        });
        let grants = roles.memberships.iter().map(|membership| format!("GRANT {membership};"));
        let sql: String = creations.chain(grants).collect();
        self.run("make the roles", &sql).await
    }
}
