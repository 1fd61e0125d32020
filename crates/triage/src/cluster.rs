//! Many reports at once: which are one defect? The answer is the same in whatever order they arrived. Must not split a case that
//! people made: it says what the evidence says, and the service decides what to do with a case that exists.

use std::collections::BTreeMap;

use crate::decide::{Reason, Verdict, same_defect};
use crate::evidence::Evidence;

/// What the evidence says of a set of reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clustering {
    /// Every report is in exactly one; by their first member.
    pub clusters: Vec<Cluster>,
    /// Pairs for a coordinator to decide, between different clusters.
    pub proposals: Vec<Link>,
}

/// Reports that are one defect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Report ids, sorted.
    pub members: Vec<String>,
    /// Every pair that joins, with its reasons.
    pub joins: Vec<Link>,
}

/// Two reports and why they belong, or may belong, together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The lesser id.
    pub a: String,
    /// The greater id.
    pub b: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// Compares every pair within a package. Joins go through others (a with b, b with c), unless two of those so joined are held
/// apart by their own evidence: then nobody is joined by the machine there, and each of its joins becomes a proposal.
#[must_use]
pub fn cluster(evidence: &[Evidence]) -> Clustering {
    let mut sorted: Vec<&Evidence> = evidence.iter().collect();
    sorted.sort_by(|a, b| a.report.cmp(&b.report));
    sorted.dedup_by(|a, b| a.report == b.report);
    let mut by_package: BTreeMap<&str, Vec<&Evidence>> = BTreeMap::new();
    for one in sorted {
        by_package.entry(&one.package).or_default().push(one);
    }
    let mut out = Clustering::default();
    for reports in by_package.values() {
        package_cluster(reports, &mut out);
    }
    out.clusters.sort_by(|a, b| a.members.cmp(&b.members));
    out.proposals.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
    out
}

fn package_cluster(reports: &[&Evidence], out: &mut Clustering) {
    let mut group: Vec<usize> = (0..reports.len()).collect();
    let mut joins: Vec<(usize, usize, Link)> = Vec::new();
    let mut apart: Vec<(usize, usize)> = Vec::new();
    for (i, a) in reports.iter().enumerate() {
        for (j, b) in reports.iter().enumerate().skip(i + 1) {
            let decision = same_defect(a, b);
            let link = Link { a: a.report.clone(), b: b.report.clone(), reasons: decision.reasons };
            match decision.verdict {
                Verdict::Join => {
                    merge(&mut group, i, j);
                    joins.push((i, j, link));
                }
                Verdict::Propose => out.proposals.push(link),
                Verdict::Separate => apart.push((i, j)),
            }
        }
    }
    let of = |group: &[usize], i: usize| group.get(i).copied().unwrap_or(i);
    let contested: Vec<usize> =
        apart.iter().filter(|(i, j)| of(&group, *i) == of(&group, *j)).map(|(i, _)| of(&group, *i)).collect();
    let mut clusters: BTreeMap<usize, Cluster> = BTreeMap::new();
    for (i, report) in reports.iter().enumerate() {
        let own = of(&group, i);
        // A contested group falls apart: each report stands alone, under a number no group has.
        let number = if contested.contains(&own) { reports.len() + i } else { own };
        clusters.entry(number).or_default().members.push(report.report.clone());
    }
    for (i, _, link) in joins {
        match clusters.get_mut(&of(&group, i)).filter(|_| !contested.contains(&of(&group, i))) {
            Some(cluster) => cluster.joins.push(link),
            None => out.proposals.push(link),
        }
    }
    out.clusters.extend(clusters.into_values());
    // A proposal inside one cluster has nothing left to decide.
    let within = |link: &Link| out.clusters.iter().any(|c| c.members.contains(&link.a) && c.members.contains(&link.b));
    let open: Vec<Link> = out.proposals.iter().filter(|link| !within(link)).cloned().collect();
    out.proposals = open;
}

/// Gives both groups the lesser number.
fn merge(group: &mut [usize], i: usize, j: usize) {
    let (Some(&x), Some(&y)) = (group.get(i), group.get(j)) else { return };
    let (low, high) = (x.min(y), x.max(y));
    for number in group.iter_mut().filter(|n| **n == high) {
        *number = low;
    }
}
