//! The settings that certificates and endpoints are built on: chosen once, at the first start.

use rusqlite::OptionalExtension;

use crate::{StoreError, Transaction};

/// What names every instance of this data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The region in endpoints and ARNs.
    pub region: String,
    /// The 12-digit account in ARNs.
    pub account_id: String,
    /// The domain that endpoints end in.
    pub domain: String,
}

impl Transaction<'_> {
    /// The recorded settings; none before the first start.
    pub fn installation(&self) -> Result<Option<Installation>, StoreError> {
        let row = self.inner.query_row(
            "SELECT region, account_id, domain FROM installation",
            [],
            |row| Ok(Installation { region: row.get(0)?, account_id: row.get(1)?, domain: row.get(2)? }),
        );
        Ok(row.optional()?)
    }

    /// Records the settings at the first start; later ones must agree with what is recorded.
    pub fn ensure_installation(&self, asked: &Installation) -> Result<(), StoreError> {
        if let Some(kept) = self.installation()? {
            return kept.agree(asked);
        }
        self.inner.execute(
            "INSERT INTO installation (only, region, account_id, domain) VALUES (1, ?1, ?2, ?3)",
            [&asked.region, &asked.account_id, &asked.domain],
        )?;
        Ok(())
    }
}

impl Installation {
    fn agree(&self, asked: &Self) -> Result<(), StoreError> {
        let pairs = [
            ("--region", &self.region, &asked.region),
            ("--account-id", &self.account_id, &asked.account_id),
            ("--domain", &self.domain, &asked.domain),
        ];
        match pairs.into_iter().find(|(_, kept, asked)| kept != asked) {
            None => Ok(()),
            Some((setting, kept, asked)) => Err(StoreError::InstallationDiffers {
                setting,
                kept: kept.clone(),
                asked: asked.clone(),
            }),
        }
    }
}
