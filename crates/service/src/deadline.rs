//! Deadlines of notices: the facts of a case and an asset, put to the decision table.
//!
//! Must not hold a table: `domain::deadline` does, as versioned data.

use domain::deadline::{Deadline, DeadlineFacts, DecisionTable};
use domain::inventory::Exposure;
use domain::time::Timestamp;
use store::{Tx, feed};

use crate::Service;
use crate::error::{Result, internal};

/// What CISA says of a case's CVE.
#[derive(Debug, Clone, Default)]
pub(crate) struct CveFacts {
    cve: Option<String>,
    kev_listed: Option<Timestamp>,
    points: Option<feed::SsvcPoints>,
}

impl CveFacts {
    /// Whether CISA lists it as exploited.
    pub(crate) fn is_exploited(&self) -> bool {
        self.kev_listed.is_some()
    }
}

impl Service {
    /// What the feeds say of the first CVE among a case's aliases.
    pub(crate) async fn cve_facts(&self, tx: &mut Tx, aliases: &str) -> Result<CveFacts> {
        let ids: Vec<String> = serde_json::from_str(aliases).map_err(|e| internal("read stored aliases", e))?;
        let Some(cve) = ids.into_iter().find(|id| id.starts_with("CVE-")) else {
            return Ok(CveFacts::default());
        };
        let kev_listed = feed::kev(tx, &cve).await?.map(|entry| entry.listed_at);
        let points = feed::ssvc(tx, &cve).await?;
        Ok(CveFacts { cve: Some(cve), kev_listed, points })
    }

    /// What the table says of an asset on which a case is detected now, for each kind of exposure.
    /// It knows no more than the case as its reader sees it: hidden aliases give the answer without a CVE.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn deadlines_of(&self, seen: &store::case::Case) -> Result<Vec<(Exposure, Deadline)>> {
        let mut tx = self.store.read().await?;
        let facts = self.cve_facts(&mut tx, &seen.aliases).await?;
        let now = crate::identity::now();
        Exposure::ALL.iter().map(|e| Ok((*e, self.deadline(&facts, *e, now)?))).collect()
    }

    /// The deadline of one asset.
    pub(crate) fn deadline(&self, cve: &CveFacts, exposure: Exposure, detected: Timestamp) -> Result<Deadline> {
        let table = DecisionTable::bod_26_04().map_err(|e| internal("read the decision table", e))?;
        let facts = DeadlineFacts {
            cve: cve.cve.clone(),
            kev_listed: cve.kev_listed,
            automatable: cve.points.as_ref().and_then(|p| p.automatable),
            technical_impact: cve.points.as_ref().and_then(|p| p.technical_impact),
            exposure,
            detected,
        };
        Ok(table.decide(&facts, self.missing_points))
    }
}
