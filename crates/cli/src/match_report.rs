//! What `match` and `reach` answer with, as one JSON document and as lines for people. Decides nothing.

use std::path::Path;

use formats::Warning;
use formats::inventory::Inventory;
use matching::{Finding, InventoryMatch, Vex, VexAnswer};
use serde::Serialize;

/// The whole answer.
#[derive(Serialize)]
pub struct Report {
    /// What was matched against.
    pub advisories: Advisories,
    /// In the order given.
    pub inventories: Vec<InventoryReport>,
}

/// What was matched against.
#[derive(Serialize)]
pub struct Advisories {
    /// Live records.
    pub records: usize,
    /// The same, one under several ids counted once.
    pub vulnerabilities: usize,
    /// Left out.
    pub withdrawn: usize,
}

/// What one inventory's components are affected by. Each component is in `findings` or `elsewhere`, in `unmatchable`, or counted in
/// `clean`.
#[derive(Serialize)]
pub struct InventoryReport {
    /// Where it was read.
    pub path: String,
    /// What kind of document it is.
    pub format: String,
    /// What it is an inventory of.
    pub subject: Option<String>,
    /// How many components it has.
    pub components: usize,
    /// Affected or undecided.
    pub findings: Vec<FindingReport>,
    /// What a distribution's record decides of what lies in its package.
    pub elsewhere: Vec<FindingReport>,
    /// What could not be compared, with the reason.
    pub unmatchable: Vec<UnmatchableReport>,
    /// How many were compared and are affected by nothing.
    pub clean: usize,
    /// What is odd about the document.
    pub warnings: Vec<String>,
}

/// One vulnerability of one component.
#[derive(Serialize)]
pub struct FindingReport {
    /// The component.
    pub component: ComponentReport,
    /// `affected` or `unknown`.
    pub status: &'static str,
    /// Every id of the vulnerability.
    pub ids: Vec<String>,
    /// Versions that mend it, as the records say.
    pub fixed: Vec<String>,
    /// Whether the records contradict each other.
    pub disputed: bool,
    /// Who says what.
    pub statements: Vec<StatementReport>,
    /// Which distribution's package holds it, and what that decides.
    pub decided_by: Option<String>,
    /// What a VEX document says of it.
    pub vex: Option<VexReport>,
}

impl FindingReport {
    /// Whether a VEX document says that nothing is to be done.
    pub fn is_settled(&self) -> bool {
        self.vex.as_ref().is_some_and(|vex| vex.settles)
    }
}

/// A component by its names.
#[derive(Serialize)]
pub struct ComponentReport {
    /// As the document has it.
    pub name: String,
    /// As the document has it.
    pub version: Option<String>,
    /// Without version.
    pub purl: Option<String>,
    /// Where in the document.
    pub path: String,
}

/// What one record says.
#[derive(Serialize)]
pub struct StatementReport {
    record: String,
    said_by: String,
    status: &'static str,
    at: String,
    /// In words.
    pub because: String,
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    comparer: Option<String>,
}

/// What a VEX document says.
#[derive(Serialize)]
pub struct VexReport {
    status: &'static str,
    settles: bool,
    author: String,
    document: String,
    justification: Option<&'static str>,
    text: Option<String>,
}

/// A component that was not compared.
#[derive(Serialize)]
pub struct UnmatchableReport {
    component: ComponentReport,
    reason: &'static str,
    because: String,
}

impl InventoryReport {
    /// Puts together what was found in one inventory.
    pub fn new(path: &Path, read: &Inventory, found: &InventoryMatch, warnings: Vec<Warning>, vex: &Vex) -> Self {
        let component = |index: usize| {
            let component = read.components.get(index);
            ComponentReport {
                name: component.map(|c| c.name.clone()).unwrap_or_default(),
                version: component.and_then(|c| c.version.clone()),
                purl: component.and_then(|c| c.purl.clone()),
                path: component.map(|c| c.path.clone()).unwrap_or_default(),
            }
        };
        let finding = |(index, finding): &(usize, Finding)| {
            let said = read.components.get(*index).and_then(|component| vex.answer(component, &finding.ids));
            FindingReport::new(component(*index), finding, said)
        };
        let unmatchable = found.unmatchable.iter().map(|(index, reason)| UnmatchableReport {
            component: component(*index),
            reason: reason.as_str(),
            because: reason.to_string(),
        });
        InventoryReport {
            path: path.display().to_string(),
            format: read.format.clone(),
            subject: read.subject.clone(),
            components: read.components.len(),
            findings: found.findings.iter().map(finding).collect(),
            elsewhere: found.elsewhere.iter().map(finding).collect(),
            unmatchable: unmatchable.collect(),
            clean: found.clean.len(),
            warnings: warnings.into_iter().map(|w| format!("{}: {}", w.at, w.text)).collect(),
        }
    }
}

impl FindingReport {
    fn new(component: ComponentReport, finding: &Finding, vex: Option<&VexAnswer>) -> Self {
        let statement = |s: &matching::Statement| StatementReport {
            record: s.record.clone(),
            said_by: s.said_by.clone(),
            status: s.status.as_str(),
            at: s.at.clone(),
            because: s.because.clone(),
            introduced: s.introduced.clone(),
            fixed: s.fixed.clone(),
            last_affected: s.last_affected.clone(),
            comparer: s.comparer.clone(),
        };
        let vex = vex.map(|said| VexReport {
            status: said.status.as_str(),
            settles: said.settles(),
            author: said.author.clone(),
            document: said.document.clone(),
            justification: said.justification,
            text: said.text.clone(),
        });
        FindingReport {
            component,
            status: finding.status.as_str(),
            ids: finding.ids.clone(),
            fixed: finding.fixed().into_iter().map(str::to_owned).collect(),
            disputed: finding.is_disputed(),
            statements: finding.statements.iter().map(statement).collect(),
            decided_by: finding.decided_by.clone(),
            vex,
        }
    }

    fn lines(&self, lines: &mut Vec<String>) {
        let version = self.component.version.as_deref().unwrap_or("?");
        let id = self.ids.first().map_or("", String::as_str);
        let also = self.ids.get(1..).filter(|also| !also.is_empty()).map(|also| format!(" ({})", also.join(", ")));
        let fixed =
            if self.fixed.is_empty() { String::new() } else { format!("  fixed in {}", self.fixed.join(" or ")) };
        let also = also.unwrap_or_default();
        lines.push(format!("  {:<9} {}@{version}  {id}{fixed}{also}", self.status, self.component.name));
        lines.push(format!("            at {}", self.component.path));
        for s in &self.statements {
            let order = s.comparer.as_deref().map(|order| format!(", by the order of {order}")).unwrap_or_default();
            lines.push(format!(
                "            {} ({}) says {}: {}: {}{order}",
                s.record, s.said_by, s.status, s.at, s.because
            ));
        }
        if self.disputed {
            lines.push("            the records disagree: the strictest one is told".to_owned());
        }
        lines.extend(self.decided_by.iter().map(|decided| format!("            {decided}")));
        if let Some(vex) = &self.vex {
            let why = vex.justification.or(vex.text.as_deref()).map(|why| format!(": {why}")).unwrap_or_default();
            lines.push(format!("            VEX of {} says {}{why}", vex.author, vex.status));
        }
    }
}

impl UnmatchableReport {
    /// In words.
    pub fn sentence(&self) -> String {
        format!("not compared: {} at {}: {}", self.component.name, self.component.path, self.because)
    }
}

/// The answer as lines for people.
pub fn lines(report: &Report) -> Vec<String> {
    let a = &report.advisories;
    let mut lines = vec![format!(
        "{} advisories of {} vulnerabilities ({} withdrawn left out)",
        a.records, a.vulnerabilities, a.withdrawn
    )];
    for i in &report.inventories {
        lines.push(String::new());
        lines.push(format!("{} ({}): {} components", i.path, i.format, i.components));
        i.findings.iter().for_each(|finding| finding.lines(&mut lines));
        if !i.elsewhere.is_empty() {
            lines.push("  decided by a distribution's own record:".to_owned());
            i.elsewhere.iter().for_each(|finding| finding.lines(&mut lines));
        }
        lines.extend(i.unmatchable.iter().map(|u| format!("  {}", u.sentence())));
        lines.extend(i.warnings.iter().map(|w| format!("  note: {w}")));
        let affected = i.findings.iter().filter(|f| f.status == "affected").count();
        let unknown = i.findings.len() - affected;
        let settled = i.findings.iter().filter(|f| f.is_settled()).count();
        let settled = if settled == 0 { String::new() } else { format!(", {settled} of them settled by VEX") };
        let not = i.unmatchable.len();
        lines.push(format!(
            "  {affected} findings, {unknown} undecided{settled}; {} components clean, {not} not compared",
            i.clean
        ));
    }
    lines
}
