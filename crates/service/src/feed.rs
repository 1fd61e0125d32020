//! Feeds: what CISA says of CVEs (KEV listing, SSVC points), taken in from their own documents.
//!
//! Must not fetch: somebody hands the document in. A feed only adds and refreshes; deadlines that
//! depend on it are recomputed by a job.

use domain::deadline::{Automatable, TechnicalImpact};
use domain::policy::Action;
use formats::Warning;
use store::feed::{KevEntry, SsvcPoints, kev_put, ssvc_put};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError};
use crate::job::JobKind;

domain::words! {
    /// Which feed a document is of.
    pub enum FeedKind {
        /// CISA's Known Exploited Vulnerabilities catalogue, in CISA's JSON.
        Kev = "kev",
        /// SSVC points per CVE, as CSV.
        Ssvc = "ssvc",
    }
}

/// What was taken in.
#[derive(Debug, Clone)]
pub struct FeedLoaded {
    /// Entries read.
    pub rows: usize,
    /// What was odd.
    pub warnings: Vec<Warning>,
}

impl Service {
    /// Takes in one feed document.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid` when it cannot be read.
    pub async fn feed_load(&self, ctx: &Ctx, kind: FeedKind, document: &[u8]) -> Result<FeedLoaded> {
        ctx.authorize(Action::PartyManage)?;
        let mut listed = 0;
        let unreadable = |e: &dyn std::fmt::Display| ServiceError::invalid("unreadable", "document", e.to_string());
        let (kev, ssvc, mut warnings) = match kind {
            FeedKind::Kev => {
                let (catalogue, warnings) = formats::kev::read(document).map_err(|e| unreadable(&e))?;
                listed = catalogue.entries.len();
                (kev_entries(&catalogue), Vec::new(), warnings)
            }
            FeedKind::Ssvc => {
                let (points, warnings) = formats::points::read(document).map_err(|e| unreadable(&e))?;
                (Vec::new(), ssvc_points(&points), warnings)
            }
        };
        if kev.len() < listed {
            let text = format!("{} dates of listing are no dates: left out", listed - kev.len());
            warnings.push(Warning::new("wrong_shape", "vulnerabilities[].dateAdded", text));
        }
        let mut work = match self.begin(ctx, "feed_load").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return Ok(FeedLoaded { rows: kev.len() + ssvc.len(), warnings }),
        };
        kev_put(&mut work.tx, &kev).await?;
        ssvc_put(&mut work.tx, &ssvc).await?;
        // One recomputation a moment is enough: the key holds the time of this load.
        self.job_enqueue(&mut work.tx, JobKind::DeadlinesRecompute, &ctx.actor.now.to_string()).await?;
        work.finish(kind.as_str()).await?;
        self.jobs_wake();
        Ok(FeedLoaded { rows: kev.len() + ssvc.len(), warnings })
    }
}

fn kev_entries(catalogue: &formats::kev::Catalogue) -> Vec<KevEntry> {
    let entry = |e: &formats::kev::Entry| {
        let listed_at = e.date_added.parse().ok()?;
        Some(KevEntry { cve: e.cve.clone(), listed_at })
    };
    catalogue.entries.iter().filter_map(entry).collect()
}

fn ssvc_points(points: &[formats::points::Points]) -> Vec<SsvcPoints> {
    points
        .iter()
        .map(|p| SsvcPoints {
            cve: p.cve.clone(),
            automatable: p.automatable.map(|yes| if yes { Automatable::Yes } else { Automatable::No }),
            technical_impact: p.technical_impact.map(|t| match t {
                formats::points::TechnicalImpact::Partial => TechnicalImpact::Partial,
                formats::points::TechnicalImpact::Total => TechnicalImpact::Total,
            }),
            exploitation: p.exploitation.map(|e| exploitation(e).to_owned()),
        })
        .collect()
}

/// SSVC Exploitation, as the SSVC documents spell it.
fn exploitation(point: formats::points::Exploitation) -> &'static str {
    match point {
        formats::points::Exploitation::None => "none",
        formats::points::Exploitation::PublicPoc => "public poc",
        formats::points::Exploitation::Active => "active",
    }
}
