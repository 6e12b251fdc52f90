//! Who may connect from where, with and without TLS.
//!
//! Under `rds.force_ssl` the `host` line is left out, not replaced by a `reject`: only then does
//! PostgreSQL answer plaintext with `no pg_hba.conf entry for host …`, the service's own refusal.

use std::net::IpAddr;

/// How a password is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// md5 for stored md5 hashes, SCRAM for stored SCRAM verifiers (`md5+scram`).
    Md5,
    /// SCRAM only (`scram`).
    ScramSha256,
}

impl AuthenticationMethod {
    fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::ScramSha256 => "scram-sha-256",
        }
    }
}

/// The map from pgkeep's own operating system user to `rdsadmin`.
const IDENT_MAP: &str = "pgkeep";

/// Renders `pg_hba.conf` of a server that listens at `address`. From the network `rdsadmin` comes
/// in from this machine and with TLS only, for as long as it has a password: never more than the
/// moment in which pgkeep logs in.
pub(super) fn render_pg_hba(
    address: IpAddr,
    force_ssl: bool,
    method: AuthenticationMethod,
) -> String {
    let (own, bits) = match address {
        IpAddr::V4(own) if own.is_loopback() || own.is_unspecified() => ("127.0.0.1".into(), 32),
        IpAddr::V6(own) if own.is_unspecified() => ("::1".into(), 128),
        IpAddr::V4(own) => (own.to_string(), 32),
        IpAddr::V6(own) => (own.to_string(), 128),
    };
    let kind = if force_ssl { "hostssl" } else { "host" };
    let method = method.as_str();
    format!(
        "# Written by pgkeep; changes are overwritten.\n\
         local all rdsadmin peer map={IDENT_MAP}\n\
         local all all reject\n\
         hostssl rdsadmin rdsadmin {own}/{bits} scram-sha-256\n\
         host all rdsadmin all reject\n\
         host rdsadmin all all reject\n\
         {kind} all all all {method}\n"
    )
}

/// Renders `pg_ident.conf`.
pub(super) fn render_pg_ident(os_user: &str) -> String {
    format!(
        "# Written by pgkeep; changes are overwritten.\n\
         {IDENT_MAP} \"{os_user}\" rdsadmin\n"
    )
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 2));

    #[test]
    fn force_ssl_leaves_no_plaintext_line() {
        let forced = render_pg_hba(ADDRESS, true, AuthenticationMethod::ScramSha256);
        insta::assert_snapshot!(forced, @r"
        # Written by pgkeep; changes are overwritten.
        local all rdsadmin peer map=pgkeep
        local all all reject
        hostssl rdsadmin rdsadmin 127.0.0.1/32 scram-sha-256
        host all rdsadmin all reject
        host rdsadmin all all reject
        hostssl all all all scram-sha-256
        ");
    }

    #[test]
    fn without_force_ssl_both_are_let_in() {
        let open = render_pg_hba(ADDRESS, false, AuthenticationMethod::Md5);
        assert!(open.ends_with("\nhost all all all md5\n"), "{open}");
    }
}
