//! The enclosing function of a static result that reached us without one: found in the file that came along with it, in a box. Must
//! not fail a report: what cannot be found stays unknown, and the log says why.

use formats::tap::{ContentType, Report};
use triage::place::{FILE_BYTES_MAX, Origin, Question};
use triage::sort;

use crate::Service;

/// Largest SARIF log that is looked into, in bytes: `submit` sends at most 64 KiB of text along.
const LOG_BYTES_MAX: usize = 256 * 1024;

impl Service {
    /// The function, where the report names none and brings a SARIF log with the text of the file.
    pub(crate) async fn report_symbol(&self, report: &Report) -> Option<String> {
        let named = report.affected_symbol.as_ref().is_some_and(|symbol| symbol.function.is_some());
        let brings_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| text.contains("\"contents\""));
        let fits = |bytes: &[u8]| bytes.len() <= LOG_BYTES_MAX && brings_text(bytes);
        let mut logs = report.attachments.iter().filter(|a| a.content_type == ContentType::Json && fits(&a.bytes));
        let log = logs.next().filter(|_| !named)?;
        let (name, text) = (log.filename.clone(), String::from_utf8(log.bytes.clone()).ok()?);
        // Not among what answers requests: a stranger wrote it.
        let read = tokio::task::spawn_blocking(move || sort::sarif_first(&name, &text));
        let mut items = read.await.ok()??;
        let file = sort::wanted(&mut items, |_| 0).pop()?;
        let source = file.artifact.as_ref().filter(|text| text.len() <= FILE_BYTES_MAX)?.as_bytes().to_vec();
        let question = Question { language: file.language, source, places: file.places.clone() };
        match self.symbols_find(vec![question]).await {
            Ok(found) => sort::located(&mut items, &file, Origin::Artifact, found.into_iter().next()?),
            Err(error) => tracing::info!(%error, "a static result's enclosing function is not looked for"),
        }
        let item = items.pop()?;
        if let Some(reason) = item.no_symbol {
            tracing::info!(%reason, "a static result's enclosing function is not found");
        }
        item.symbols.into_iter().next()
    }
}
