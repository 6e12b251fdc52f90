//! Who may connect from where, with and without TLS.
//!
//! `rdsadmin` has a line for the network, for the session that pgkeep keeps open (see
//! [`KeptSession`](crate::KeptSession)): from this machine, with TLS, by a password that it has
//! only while that session is opened.
//!
//! Under `rds.force_ssl` the `host` line is left out, not replaced by a `reject`: only then does
//! PostgreSQL answer plaintext with `no pg_hba.conf entry for host …`, the service's own refusal.

use std::net::IpAddr;

use crate::admin::RDSADMIN;

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

/// Renders `pg_hba.conf` of a server that listens at `address`.
pub(super) fn render_pg_hba(
    address: IpAddr,
    force_ssl: bool,
    method: AuthenticationMethod,
) -> String {
    let own = own_address(address);
    let kind = if force_ssl { "hostssl" } else { "host" };
    let method = method.as_str();
    format!(
        "# Written by pgkeep; changes are overwritten.\n\
         local all {RDSADMIN} peer map={IDENT_MAP}\n\
         local all all reject\n\
         hostssl {RDSADMIN} {RDSADMIN} {own} scram-sha-256\n\
         host all {RDSADMIN} all reject\n\
         host {RDSADMIN} all all reject\n\
         {kind} all all all {method}\n"
    )
}

/// Where connections to `address` from this machine come from.
fn own_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(own) if own.is_loopback() || own.is_unspecified() => "127.0.0.1/32".to_owned(),
        IpAddr::V6(own) if own.is_unspecified() => "::1/128".to_owned(),
        IpAddr::V4(own) => format!("{own}/32"),
        IpAddr::V6(own) => format!("{own}/128"),
    }
}

/// Renders `pg_ident.conf`.
pub(super) fn render_pg_ident(os_user: &str) -> String {
    format!(
        "# Written by pgkeep; changes are overwritten.\n\
         {IDENT_MAP} \"{os_user}\" {RDSADMIN}\n"
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

    #[test]
    fn rdsadmin_comes_from_this_machine() {
        let from = |address: &str| own_address(address.parse().unwrap());
        assert_eq!(from("127.77.1.2"), "127.0.0.1/32");
        assert_eq!(from("0.0.0.0"), "127.0.0.1/32");
        assert_eq!(from("192.0.2.7"), "192.0.2.7/32");
        assert_eq!(from("::"), "::1/128");
        assert_eq!(from("2001:db8::7"), "2001:db8::7/128");
    }
}
