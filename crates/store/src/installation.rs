//! The settings that certificates and endpoints are built on, chosen once, at the first start; and
//! the one that can be changed.

use pgkeep_model::{AccountId, DomainName, RegionName};
use rusqlite::OptionalExtension;

use crate::{StoreError, Transaction};

/// What names every instance of this data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The region in endpoints and ARNs.
    pub region: RegionName,
    /// The 12-digit account in ARNs.
    pub account_id: AccountId,
    /// The domain that endpoints end in.
    pub domain: DomainName,
}

impl Transaction<'_> {
    /// The recorded settings; none before the first start.
    pub fn installation(&self) -> Result<Option<Installation>, StoreError> {
        let row = self.inner.query_row(
            "SELECT region, account_id, domain FROM installation",
            [],
            |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
            },
        );
        let Some((region, account_id, domain)) = row.optional()? else { return Ok(None) };
        Ok(Some(Installation {
            region: region.try_into()?,
            account_id: account_id.try_into()?,
            domain: domain.try_into()?,
        }))
    }

    /// Records the settings at the first start; later ones must agree with what is recorded.
    pub fn ensure_installation(&self, asked: &Installation) -> Result<(), StoreError> {
        if let Some(kept) = self.installation()? {
            return kept.agree(asked);
        }
        self.inner.execute(
            "INSERT INTO installation (only, region, account_id, domain) VALUES (1, ?1, ?2, ?3)",
            [asked.region.as_str(), asked.account_id.as_str(), asked.domain.as_str()],
        )?;
        Ok(())
    }

    /// The authority that `ModifyCertificates` chose for instances that choose none.
    pub fn certificate_override(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT certificate_override FROM installation";
        Ok(self.inner.query_row(sql, [], |row| row.get(0)).optional()?.flatten())
    }

    /// Chooses it, or leaves it to the service again.
    pub fn override_certificate(&self, ca_identifier: Option<&str>) -> Result<(), StoreError> {
        self.inner.execute("UPDATE installation SET certificate_override = ?1", [ca_identifier])?;
        Ok(())
    }
}

impl Installation {
    fn agree(&self, asked: &Self) -> Result<(), StoreError> {
        let pairs = [
            ("--region", self.region.as_str(), asked.region.as_str()),
            ("--account-id", self.account_id.as_str(), asked.account_id.as_str()),
            ("--domain", self.domain.as_str(), asked.domain.as_str()),
        ];
        match pairs.into_iter().find(|(_, kept, asked)| kept != asked) {
            None => Ok(()),
            Some((setting, kept, asked)) => Err(StoreError::InstallationDiffers {
                setting,
                kept: kept.to_owned(),
                asked: asked.to_owned(),
            }),
        }
    }
}
