//! Names that come from the configuration and end up in every endpoint: account, region, domain.
//!
//! Invariant: identifier, hash, region and domain of an endpoint fit one DNS name together
//! (RFC 1035 §2.3.4: 253 characters, 63 a label). 63 + 1 + 12 + 1 + 32 + 1 + 143 = 253.

use super::InvalidParameter;

/// The most characters of a region.
const MAX_REGION: usize = 32;
/// The most characters of a domain.
const MAX_DOMAIN: usize = 143;

/// An account: 12 digits.
pub fn account_id(text: &str) -> Result<String, InvalidParameter> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(InvalidParameter::AccountId { text: text.to_owned() })
    }
}

/// A region: one lowercase DNS label that starts with a letter, so that own names such as
/// `rack-7` do as well as the service's.
pub fn region_name(text: &str) -> Result<String, InvalidParameter> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_well && text.len() <= MAX_REGION && is_label(text) {
        Ok(text.to_owned())
    } else {
        Err(InvalidParameter::RegionName { text: text.to_owned() })
    }
}

/// The domain all endpoints end in: lowercase DNS labels, the last not all digits, so that no
/// endpoint reads as an address.
pub fn domain_name(text: &str) -> Result<String, InvalidParameter> {
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_name = text.len() <= MAX_DOMAIN
        && text.split('.').all(is_label)
        && !last.bytes().all(|b| b.is_ascii_digit());
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(InvalidParameter::DomainName { text: text.to_owned() })
    }
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts() {
        assert!(account_id("123456789012").is_ok());
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２"]
        {
            assert!(account_id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn regions() {
        for text in ["us-east-1", "us-gov-west-1", "rack-7", "local", &"a".repeat(32)] {
            assert!(region_name(text).is_ok(), "{text}");
        }
        for text in ["", "1-east", "US-east-1", "us-", "-us", "us.east", "us_1", &"a".repeat(33)] {
            assert!(region_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn domains() {
        for text in ["rds.localhost", "localhost", "rds.example.com", "7.example", "a--b.test"] {
            assert!(domain_name(text).is_ok(), "{text}");
        }
        let long = format!("{}.x", "a".repeat(64));
        for text in ["", ".", "a.", ".a", "a..b", "A.b", "-a.b", "127.0.0.1", "a_b.c", &long] {
            assert!(domain_name(text).is_err(), "{text}");
        }
    }
}
