//! Names that users gave, whatever bytes they are.

use std::error::Error;

use tokio_postgres::types::{FromSql, Type, accepts};

/// Text from a server. A database of the encoding `SQL_ASCII` takes any bytes into names that the
/// whole cluster shares, and no server checks them on the way out: what is no UTF-8 is replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl<'a> FromSql<'a> for Text {
    accepts!(TEXT, NAME, VARCHAR);

    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_a_name() {
        let read = |raw| Text::from_sql(&Type::NAME, raw).unwrap().0;
        assert_eq!(read("é".as_bytes()), "é");
        assert_eq!(read(b"a\xff"), "a\u{fffd}");
    }
}
